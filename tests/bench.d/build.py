"""Compiles the programs of this directory and prepares what the real-work rows read."""

import os
import subprocess
from pathlib import Path

from rows import PING_PONG_PY

HERE = Path(__file__).parent
PROGRAMS = ["calls", "tasks", "peers", "spawn", "sigsys", "launch", "work"]
MUSL_LIBRARIES = ["/usr/lib/x86_64-linux-musl", "/usr/lib/musl/lib", "/usr/local/musl/lib"]


def programs(build):
    """Compiles every program into `build`; one is made again when its source is newer."""
    build.mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        compile_one(build / name, ["gcc", "-O2", "-Wall", "-Wextra", "-static-pie"], HERE / f"{name}.c")
    compile_one(build / "first", ["gcc", "-O2", "-Wall", "-nostdlib", "-static-pie"], HERE / "first.c")
    compile_one(build / "true", *small_static_pie(HERE / "true.c"))


def small_static_pie(source):
    """The command for a static-PIE with musl, or with glibc where there is no musl.

    musl-gcc has no -static-pie (it would name musl's loader), so its parts are given one by one.
    """
    for directory in MUSL_LIBRARIES:
        start = [f"{directory}/{name}" for name in ("rcrt1.o", "crti.o", "crtn.o")]
        if all(os.path.exists(part) for part in start):
            options = ["-O2", "-fPIE", "-nostartfiles", "-static", "-Wl,-pie,--no-dynamic-linker"]
            return ["musl-gcc", *options, *start[:2]], source, start[2:]
    return ["gcc", "-O2", "-static-pie"], source


def compile_one(output, command, source, last=()):
    newest = max(source.stat().st_mtime, (HERE / "bench.h").stat().st_mtime)
    if output.exists() and output.stat().st_mtime > newest:
        return
    subprocess.run([*command, "-o", str(output), str(source), *last], check=True)


def work(build):
    """A repository of 5,000 files, a C project of 12 files, and the scripts, made once."""
    if (build / "work-ready").exists():
        return
    (build / "inserts.sql").write_text(inserts())
    (build / "commits.sql").write_text(inserts(5_000, apart=True))
    (build / "messages.py").write_text(PING_PONG_PY)
    (build / "loop.bash").write_text("for ((i = 0; i < 1000; i++)); do /bin/true; done; exit 0\n")
    repository(build / "tree")
    project(build / "project")
    (build / "work-ready").touch()


def inserts(count=100_000, apart=False):
    """SQL that fills a table, in one transaction or in one for each row."""
    rows = "".join(f"INSERT INTO t VALUES({i}, 'name{i * 7919 % 100003}', {i * 31 % 977});\n" for i in range(count))
    return "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, n INTEGER);\n" + (rows if apart else f"BEGIN;\n{rows}COMMIT;\n")


def repository(tree):
    for i in range(5_000):
        path = tree / f"dir{i // 100:02}" / f"file{i:04}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"line {i}\n" * (1 + i % 300))
    git = ["git", "-C", str(tree), "-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "tree"]):
        subprocess.run([*git, *command], check=True)


def project(directory):
    directory.mkdir(exist_ok=True)
    for i in range(12):
        functions = "".join(
            f'int f{i}_{j}(int x) {{ char s[32]; snprintf(s, sizeof s, "%d", x * {j}); return strlen(s); }}\n'
            for j in range(50)
        )
        (directory / f"part{i}.c").write_text("#include <stdio.h>\n#include <string.h>\n" + functions)
    (directory / "main.c").write_text("int main(void) { return 0; }\n")
    (directory / "Makefile").write_text(
        "OBJECTS = $(patsubst %.c,%.o,$(wildcard *.c))\nprog: $(OBJECTS)\n\tcc -o $@ $(OBJECTS)\n"
        "%.o: %.c\n\tcc -O1 -c -o $@ $<\n"
    )
