"""Programs that fork, unmodified: native Linux and llano must answer alike. See cases.py for what a case is."""
import cases
from cases import PERL, PYTHON

CASES = []


def case(name, command, **more):
    cases.add(CASES, name, command, **more)


# ---- shells -------------------------------------------------------------------------------------
SCRIPT = r"""
echo "subshell: $(x=1; (x=2; echo $x); echo $x)"
(cd /usr; pwd) | tr a-z A-Z
seq 2000 | grep 7 | sed s/7/seven/ | sort -r | head -n 3
for i in 1 2 3; do (sleep 0.$i; echo job $i) & done; wait; echo all
f() { if [ $1 -lt 2 ]; then echo $1; else echo $(( $(f $(($1-1))) + $(f $(($1-2))) )); fi; }; f 8
false | true; echo $?; (exit 7); echo $?; ! true | false; echo $?
cat <<END | while read a b; do echo "[$b $a]"; done
one two
three $(echo four | tr f F)
END
(trap 'echo bye' EXIT; echo in; exit 3); echo $?
mkfifo p; (seq 1000 >p) & awk '{ s += $1 } END { print s }' <p; wait
sleep 100 & kill $!; wait $! 2>/dev/null; echo "killed $?"
yes | head -n 20000 | wc -l
v=$(seq 30000); echo "${#v}"
i=0; while [ $i -lt 200 ]; do i=$((i+1)); (:); done; echo $i
{ echo out; echo err >&2; } 2>&1 | sort
echo a b c | { read x y; echo "$y"; } ; echo "${x:-unset}"
(for i in 1 2 3; do echo $i; done | while read n; do echo "$n squared: $(expr $n \* $n)"; done)
"""
for name, shell, needs in (("dash", ["/bin/dash"], []), ("bash", ["/bin/bash"], []), ("bash --posix", ["/bin/bash", "--posix"], []),
                           ("busybox ash, dynamic musl", ["@busybox-ash", "ash"], ["@busybox-ash", "/lib/ld-musl-x86_64.so.1"]),
                           ("hush, static", ["@busybox-static", "sh"], ["@busybox-static"])):
    case(f"{name} script", [*shell, "-c", SCRIPT], needs=needs, limit=120)
case("bash arrays and substitutions", ["bash", "-c", r"""
mapfile -t a < <(seq 5 | tac); echo "${a[@]}"; diff <(seq 3) <(seq 4); coproc cat; echo hi >&${COPROC[1]}; read -u ${COPROC[0]} x; echo $x
exec {COPROC[1]}>&-; wait; shopt -s lastpipe; seq 3 | while read n; do s=$((s+n)); done; echo $s; echo "${PIPESTATUS[@]}"
time -p true 2>/dev/null; (( $(echo 5) > 3 )) && echo yes; printf '%s\n' {1..3} | tee >(wc -l >w) >/dev/null; sleep 0.2; cat w
set -o pipefail; false | true; echo $?; trap 'echo chld' CHLD; sleep 0.01 & wait; trap - CHLD; echo $(<numbers) | wc -w; jobs; disown -a"""])
case("bash 1,000 times /bin/true", ["bash", "-c", "for ((i = 0; i < 1000; i++)); do /bin/true || echo no; done; echo $i"], limit=120)
case("bash in bash in dash", ["bash", "-c", "bash -c 'dash -c \"bash -c \\\"echo \\\\\\$BASH_VERSION\\\" | cat\" | cat' | cat; echo $?"])
case("two busybox-static in one pipeline", "/bin/busybox seq 20000 | /bin/busybox awk '{ s += $1; print s }' | /bin/busybox md5sum",
     needs=["/bin/busybox"])
case("four busybox-static at once", ["/bin/busybox", "sh", "-c", "busybox seq 5000 | busybox sort -rn | busybox sed s/1/one/ | busybox tail -n 3;"
     " (busybox sleep 0.1; echo a) & (busybox sleep 0.2; echo b) & wait; echo $(busybox expr 6 '*' 7)"], needs=["/bin/busybox"])

# ---- bash's own tests: each compares with its expected output, and here that comparison with the native one -----------------
# Left out: all and minimal (drivers); jobs (a minute of sleeps, and job control without a terminal); nameref (whether bash has
# noticed that a coprocess ended at once) and read (a time-out of 100 us), which depend on who is faster. execscript says process
# numbers, which are hidden.
BASH_TESTS = """alias appendop arith arith-for array array2 assoc attr braces builtins case casemod complete comsub comsub-eof comsub-posix
cond coproc cprint dbg-support dbg-support2 dirstack dollars dynvar errors execscript exp-tests exportfunc extglob extglob2 extglob3 func getopts
glob-test globstar heredoc herestr histexpand history ifs ifs-posix input-test intl invert iquote lastpipe mapfile more-exp new-exp
nquote nquote1 nquote2 nquote3 nquote4 nquote5 parser posix2 posixexp posixexp2 posixpat posixpipe precedence printf procsub quote
quotearray redir rhs-exp rsh set-e set-x shopt strip test tilde tilde2 trap type varenv vredir""".split()
RUN = """cp -r "${1%/*}" b && cd b && PATH=.:$PATH THIS_SH=/bin/bash BUILD_DIR=.. TMPDIR=$PWD BASH_TSTOUT=$PWD/out
export PATH THIS_SH BUILD_DIR TMPDIR BASH_TSTOUT; sh ./run-$2 2>/dev/null; echo "status $?"; cat out 2>/dev/null"""
for test in BASH_TESTS:
    case(f"bash test {test}", ["/bin/sh", "-c", RUN, "sh", "@run-all", test], needs=["@run-all", "bash"], limit=120,
         hide=[(r"/(native|llano)/b\b", "/SIDE/b"), (r"process group \(\d+\)", "process group (N)"),
               # Both ends of a pipeline complain, in any order: in what diff says, and in the output itself.
               (r"(?m)^([<>] )?\S+: (line 65: )?warning: setlocale: LC_ALL: .*\n", "")])

# ---- building -----------------------------------------------------------------------------------
PROJECT = r"""
mkdir p; cd p
for i in 1 2 3 4 5 6 7 8; do
    printf '#include <stdio.h>\nint f%d(int x) { char s[20]; return snprintf(s, sizeof s, "%%d", x * %d); }\n' $i $i >f$i.c
    echo "int f$i(int);" >>all.h; calls="$calls + f$i(1000$i)"
done
printf '#include <stdio.h>\n#include "all.h"\nint main(void) { printf("%%d\\n", 0%s); return 7; }\n' "$calls" >main.c
printf 'prog: $(patsubst %%.c,%%.o,$(wildcard *.c))\n\tgcc -o $@ $^\n%%.o: %%.c all.h\n\tgcc -O1 -c -o $@ $<\n' >Makefile
"""
case("make -j4", PROJECT + "make -j4 | sort; ./prog; echo $?; touch f3.c; make -j4; make -q; echo $?", needs=["make", "gcc"], limit=180)
case("make -j1 with shells", PROJECT + "make -j1 SHELL=/bin/bash | tail -n 1; ./prog; echo $?; make -n -B | wc -l", needs=["make", "gcc"], limit=180)
case("gcc", "gcc -O2 -g -Wall -o hello -x c - <<'E' && ./hello one two; echo $?; nm hello | grep -w main | cut -c18-\n"
     "#include <stdio.h>\nint main(int c, char **v) { for (int i = 1; i < c; i++) puts(v[i]); return c; }\nE", needs=["gcc", "nm"], limit=60)
case("gcc errors", "echo 'int main(void) { return x; }' >e.c; gcc e.c 2>err; echo $?; grep -c error err; gcc -E - </dev/null | wc -l", needs=["gcc"])
case("g++ -pipe", "g++ -pipe -O1 -o t -x c++ - <<'E' && ./t\n#include <iostream>\n#include <vector>\n#include <stdexcept>\n"
     "int main() { std::vector<int> v{3, 1, 2}; try { v.at(5); } catch (std::out_of_range &) { std::cout << \"caught \" << v.size() << std::endl; } }\nE",
     needs=["g++"], limit=120)
case("g++ threads", "g++ -pipe -pthread -o t -x c++ - <<'E' && ./t\n#include <cstdio>\n#include <thread>\n#include <vector>\n#include <unistd.h>\n"
     "#include <sys/wait.h>\nint main() { std::vector<std::thread> t; for (int i = 0; i < 4; i++) t.emplace_back([i] { if (pid_t p = fork()) "
     "{ int s; waitpid(p, &s, 0); } else _exit(i); }); for (auto &x : t) x.join(); puts(\"joined\"); }\nE", needs=["g++"], limit=120)

# ---- python and perl ----------------------------------------------------------------------------
for what in ("subprocess", "os", "fork", "spawn", "executor"):
    case(f"python3 {what}", [PYTHON, "@forks.py", what], limit=180)
for modules in (["threading"], ["subprocess"], ["fork1", "wait3", "wait4", "popen"]):
    case("python3 unittest " + " ".join(modules), [PYTHON, "@unittests.py", *modules], limit=400, stderr=True,
         needs=["/usr/lib/python3.11/test/test_subprocess.py"], hide=[(r"in \d+\.\d+s", "in TIME"), (r"skipped=\d+", "skipped"), (r"(?m)^(task <|<thread |\d+ tasks? ).*\n", "")])
case("perl forks", [PERL, "@forks.pl"], limit=60)

# ---- tools that start many ----------------------------------------------------------------------
GIT = "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org" \
      " GIT_AUTHOR_DATE='1577934245 +0000' GIT_COMMITTER_DATE='1577934245 +0000';"
case("git clone", "git clone -q repo copy && git -C copy log --oneline | cat && git -C copy status -s && git clone -q --no-local repo other"
     " && git -C other rev-parse HEAD && git -C other fsck --full; echo $?", needs=["git"], limit=60)
case("git gc", "git -C repo gc -q --prune=now && git -C repo count-objects -v | grep -E 'count|packs|garbage' && git -C repo fsck --full 2>&1 | tail -n 2;"
     " git -C repo log --oneline | cat; ls repo/.git/objects/pack | sed 's/.*[.]//' | sort", needs=["git"], limit=60)
case("git commit, merge, rebase", GIT + "cd repo && git stash -q && git checkout -qb topic HEAD~2 && echo t >t && git add t && git commit -qm topic"
     " && git rebase -q main && git checkout -q main && git merge -q --no-ff -m merged topic && git log --graph --oneline | cat; git stash pop 2>&1 | tail -n 1",
     needs=["git"], limit=60, hide=[(r"\([0-9a-f]{40}\)", "(HASH)")])
case("git hooks and push", GIT + "git init -q --bare b.git && printf '#!/bin/sh\\necho hook $0 >&2; cat | wc -l >../seen\\n' >b.git/hooks/post-receive"
     " && chmod +x b.git/hooks/post-receive && git -C repo push -q ../b.git main 2>&1; cat seen b.git/refs/heads/main", needs=["git"], limit=60)
case("xargs -P4", "seq 100 | xargs -P4 -n5 sh -c 'echo $(expr $1 + $5)' sh | sort -n; find tree -type f -print0 | xargs -0 -P4 -n1 md5sum | sort")
case("find -exec", "find tree -type f -exec sh -c 'wc -c \"$1\" | cat' sh {} ';' | sort; find tree -name 'f*' -exec ls -d {} + | wc -l", limit=60)
case("dpkg-deb", "mkdir -p d/DEBIAN d/usr/share/x && cp -r tree d/usr/share/x && printf 'Package: x\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@example.org>\\n"
     "Description: x\\n' >d/DEBIAN/control && dpkg-deb --root-owner-group -Zgzip -b d x.deb && dpkg-deb -I x.deb | grep -v size && dpkg-deb -x x.deb out && diff -r tree"
     " out/usr/share/x/tree && dpkg-deb -c x.deb | awk '{ print $1, $6 }'; dpkg-deb -f x.deb Package", needs=["dpkg-deb"], limit=60)
case("dpkg-deb of xz", "mkdir -p d/DEBIAN && cp shuffled d && printf 'Package: x\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@example.org>\\nDescription: x\\n'"
     " >d/DEBIAN/control && dpkg-deb -Zxz -b d x.deb && dpkg-deb -x x.deb out && cmp out/shuffled shuffled && echo same", needs=["dpkg-deb"], limit=120)
case("tar with compressors", "tar -czf t.gz tree && tar -cJf t.xz tree && tar -tzf t.gz | sort && mkdir o && tar -C o -xJf t.xz && diff -r tree o/tree && echo same")
case("timeout, nohup", "timeout 0.2 sleep 5; echo $?; timeout 5 sh -c 'exit 3'; echo $?; nohup sh -c 'echo x' 2>/dev/null | cat")
case("setsid", "setsid -w sh -c 'echo $(ps -o pid= -p $$ | wc -l)'; (setsid sh -c 'sleep 0.1; echo late >late'); sleep 0.3; cat late", needs=["ps"])
case("stress-ng", "stress-ng --fork 2 --vfork 2 --clone 2 --exec 2 --pipe 2 --futex 2 --timerfd 1 --epoll 1 -t 10 --metrics-brief 2>&1 | grep -E 'successful|failed|passed';"
     " echo $?", needs=["stress-ng"], limit=120, hide=[(r"\[\d+\]", "[PID]"), (r"in \d+\.\d+s", "in TIME"), (r"\(\d+\.\d+ secs\)", "(TIME)")])
case("redis-server saves while it is written", ["/bin/sh", "@redis.sh", "/usr/bin/redis-check-rdb"], needs=["redis-cli", "/usr/bin/redis-check-rdb"],
     limit=120, hide=[(r"(?m)^OK\n", "")])
