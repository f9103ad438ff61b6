"""The table of real programs: each line a command that native Linux and llano must answer alike.

A case is `case(name, command, ...)`. The command is a list, or a string for dash (`sh -c`). Both sides run in a directory
of their own with the same fixture (see `fixture` in run). What lives by fork stands in forks.py.
"""
from dataclasses import dataclass, field

CASES = []


@dataclass
class Case:
    name: str
    command: list
    options: list = field(default_factory=list)     # of `llano run`
    limit: int = 30                                 # seconds under llano
    stdin: str = "/dev/null"                        # a file of the fixture
    needs: list = field(default_factory=list)       # programs, files or built programs ("@go") it cannot do without
    hide: list = field(default_factory=list)        # (regex, replacement): what may differ between any two runs
    stderr: bool = False                            # compare stderr, too


def add(table, name, command, **more):
    """Adds a case to a table."""
    if isinstance(command, str):
        command = ["/bin/sh", "-c", command]
    table.append(Case(name, command, **more))


def case(name, command, **more):
    add(CASES, name, command, **more)


PYTHON = "/usr/bin/python3"
PERL = "/usr/bin/perl"

# ---- shells and status --------------------------------------------------------------------------
case("echo", ["echo", "-e", "hello\\tworld", "ä"])
case("true", ["true"])
case("false", ["false"])
case("sh status", "exit 7")
case("sh by signal", "kill -TERM $$")
case("sh segv", "kill -SEGV $$")
case("sh variables", "x=5; while [ $x -gt 0 ]; do echo $x; x=$((x-1)); done; echo ${HOME##*/} $# $0", stderr=True,
     hide=[(r"(?m)^(native|llano) ", "SIDE ")])
case("sh not found", "nosuchcommand; echo $?", stderr=True)
case("sh redirections", "echo a >x; echo b >>x; cat <x; cat nosuch 2>err; wc -l <err; set -C; echo c >x", stderr=True)
case("sh trap", "trap 'echo caught' USR1; kill -USR1 $$; trap 'echo bye' EXIT; echo end")
case("sh script by #!", ["./script", "one", "two words"])
case("env", ["env", "-i", "A=1", "B=two", "/usr/bin/env"])
case("pwd", ["/bin/pwd"], hide=[(r"/(native|llano)\b", "/SIDE")])
case("id", ["id"])
case("uname", ["uname", "-sm"])
case("sleep", ["sleep", "0.1"])
case("printf", ["printf", "%05.2f %x\\n", "3.14159", "255"])
case("sh killed after output", "seq 3; kill -PIPE $$")

# ---- files --------------------------------------------------------------------------------------
case("ls -la /usr", ["ls", "-la", "/usr"])
case("ls -laR", ["ls", "-laR", "/usr/share/doc/libc6", "/usr/lib/apt", "/etc/alternatives"])
case("ls of the fixture", ["ls", "-lR", "--time-style=+", "--group-directories-first", "."])
case("cat", ["cat", "/etc/passwd", "/usr/share/common-licenses/GPL-3"])
case("cat stdin", ["cat"], stdin="numbers")
case("head", ["head", "-c", "1000000", "/dev/zero"])
case("wc", ["wc", "numbers", "words"])
case("stat", ["stat", "-c", "%n %s %F %a %h", "/usr", "/usr/bin/env", "/bin", "numbers", "/dev/null"])
case("find /usr", ["find", "/usr", "-xdev"], limit=90)
case("find tests", ["find", "tree", "-type", "f", "-name", "*[1-3]", "-size", "+0", "-printf", "%P %s %m\\n"])
case("du", ["du", "-ab", "--apparent-size", "tree"])
case("copy tree", "cp -a tree copy && mv copy/d1 copy/moved && rm -r copy/d2 && ln -s moved copy/link && ln copy/d0/f1 copy/hard"
     " && ls -lR --time-style=+ copy && diff -r tree copy", hide=[(r"(?m)^total \d+", "total")])
case("copy-up", "echo more >>numbers; tail -1 numbers; chmod 600 words; stat -c %a words; mv words x/ 2>&1;"
     " mkdir -p x && mv words x/ && ls x && wc -l x/words")
case("write below /tmp", "mkdir -m 700 /tmp/llano-d && echo hi >/tmp/llano-d/f && cat /tmp/llano-d/f && rm -r /tmp/llano-d && ls -d /tmp/llano-d",
     stderr=True)
case("permissions", "umask 027; touch a; mkdir b; stat -c '%A %n' a b; chmod u=rx,go= a; stat -c %a a; test -w a; echo $?")
case("times", "touch -d '2020-02-02 02:02:02 UTC' a; stat -c %Y a; touch -r a b; [ a -nt b ]; echo $?; find . -newermt 2020-02-03 -name b")
case("links", "ln -s nowhere l; readlink l; cat l; ln numbers n2; stat -c %h n2; rm n2; readlink -f tree/../tree/d1", stderr=True,
     hide=[(r"/(native|llano)/", "/SIDE/")])
case("sparse", "truncate -s 100M s; stat -c %s s; dd if=words of=s bs=1k seek=5000 conv=notrunc status=none; cksum s; rm s")
case("--rw", "echo written >rw-file; mkdir rw-dir; mv rw-file rw-dir/x; cat rw-dir/x; ls -R rw-dir; rm -r rw-dir; ls rw-dir",
     options=["--root", "/", "--rw"], stderr=True)

# ---- text ---------------------------------------------------------------------------------------
case("sort", ["sort", "-k2,2n", "-k1r", "table"])
case("sort -R in threads", ["sort", "--parallel=4", "-S", "4M", "-n", "-r", "shuffled"])
case("sort -u stdin", ["sort", "-u"], stdin="words")
case("uniq join comm", "sort -u words >w; head -50 w >v; comm -13 v w; join v w; uniq -c -i v; rm v w")
case("cut tr paste", "cut -d, -f2 table; tr a-z A-Z <table; paste -sd+ numbers", limit=20)
case("awk", ["awk", "{ n[$1 % 97] += $1; s += length($0) } END { for (i = 0; i < 97; i++) print i, n[i]; printf \"%d %.3f\\n\", s, log(s) }",
             "numbers"])
case("awk system", ["awk", "BEGIN { r = system(\"/bin/sh -c 'echo child; exit 3'\"); print r; while ((getline l < \"table\") > 0) n++; print n }"])
case("sed", ["sed", "-n", "-E", "s/^([0-9])([0-9]*)$/\\2\\1/; /9$/{p;h}; ${G;p}", "numbers"])
case("sed -i", "sed -i 's/1/one/g; 5q' numbers; cat numbers")
case("grep -r", ["grep", "-rn", "int.*main", "/usr/share/doc", "tree", "."], limit=60)
case("grep -P", ["grep", "-oP", "(?<=\\b)w\\w+(?=\\W)", "/usr/share/common-licenses/GPL-3"])
case("grep nothing", ["grep", "-c", "zzzzz", "numbers"])
case("diff", "head -n 100 numbers >a; sed s/5/five/ a >b; diff -u --label a --label b a b")
case("jq", ["jq", "-S", "[.[] | select(.n % 7 == 0) | {n, s: (.s | ascii_upcase), l: (.l | add)}] | group_by(.n % 3) | map(length), .[0][0:3]",
            "data.json"], needs=["jq"])
case("jq stream", ["jq", "-c", "--stream", "select(length == 2)", "data.json"], needs=["jq"])

# ---- archives and sums --------------------------------------------------------------------------
case("sha256sum of 200 MB", ["sha256sum", "../big"], limit=60)
case("md5sum -c", "md5sum words numbers >sums; md5sum -c sums; echo x >>words; md5sum -c sums")
case("tar create", ["tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-cf", "-", "tree", "numbers"])
case("tar extract", "tar -cf t.tar tree && mkdir out && tar -C out -xpf t.tar && diff -r tree out/tree && ls -lR --time-style=+%s out && tar -tvf t.tar",
     hide=[(r"(?m)^total \d+", "total"), (r"(?m)^([dl]\S+ +\d+ \S+ \S+) +\d+ ", r"\1 "), (r"(?m)^(-\S+ +\d+ \S+ \S+) +", r"\1 ")])
case("gzip", ["gzip", "-nc9", "numbers"])
case("gzip back", "gzip -nk numbers && ls numbers* && gzip -t numbers.gz && gzip -dc numbers.gz >back && cmp back numbers && gzip -l numbers.gz")
case("xz", ["xz", "-c6", "shuffled"], limit=60)
case("xz threads", ["xz", "-c1", "-T2", "--block-size=256KiB", "shuffled"], limit=60)
case("xz back", "xz -k1 numbers && xz -t numbers.xz && xz -dc numbers.xz >back && cmp back numbers && echo same")
case("bzip2", ["bzip2", "-c", "words"], needs=["bzip2"])

# ---- perl ---------------------------------------------------------------------------------------
case("perl words", [PERL, "@words.pl"], stdin="prose")
case("perl unix sockets", [PERL, "@sockets.pl"])
case("perl sort", [PERL, "-e", "print sort { lc $a cmp lc $b or $a cmp $b } <>", "words"])
case("perl die", [PERL, "-e", "use strict; local $SIG{ALRM} = sub { die qq(alarm\\n) }; alarm 1; select undef, undef, undef, 5; print 1"],
     stderr=True)

# ---- databases and git --------------------------------------------------------------------------
case("sqlite3 on tmpfs", "rm -f /tmp/llano-$USER.db; sqlite3 /tmp/llano-$USER.db; ls -l --time-style=+ /tmp/llano-$USER.db; rm /tmp/llano-$USER.db", stdin="load.sql", needs=["sqlite3"], limit=60)
case("sqlite3 on --rw", ["sqlite3", "load.db"], stdin="load.sql", options=["--root", "/", "--rw"], needs=["sqlite3"], limit=60)
case("sqlite3 wal", ["sqlite3", "wal.db", "pragma journal_mode=wal; create table t(x); insert into t values(1),(2); select sum(x) from t;"
                     " pragma wal_checkpoint(truncate); vacuum; pragma integrity_check;"], needs=["sqlite3"])
for what in (["log", "--stat", "-p"], ["log", "--graph", "--oneline", "--decorate", "--all"], ["diff"], ["diff", "HEAD~3", "--stat"],
             ["status"], ["status", "-sb"], ["blame", "f2"], ["show", "HEAD~1:f1"], ["grep", "-n", "line 1"], ["ls-tree", "-r", "HEAD"],
             ["rev-list", "--objects", "HEAD"], ["branch", "-av"]):
    case("git " + " ".join(what), ["git", "-C", "repo", "--no-pager", *what], needs=["git"])
case("git add and write", "git init -q new && cd new && cp ../words . && git add words && git write-tree && git status -s && git ls-files -s"
     " && git hash-object -w ../numbers", needs=["git"], stderr=True)

# ---- python -------------------------------------------------------------------------------------
case("python3 json sqlite3 mmap", [PYTHON, "@library.py"])
case("python3 200 threads, asyncio", [PYTHON, "@parallel.py"], limit=60)
case("python3 -c", [PYTHON, "-c", "import sys, json; print(json.dumps(sys.argv)); print(sys.stdin.read())", "a b"])
case("python3 subprocess", [PYTHON, "-c", "import subprocess as s; print(s.run(['cat'], input=b'x' * 300000, stdout=s.PIPE).stdout.count(b'x'));"
                            "print(s.call(['sh', '-c', 'exit 3']), s.Popen(['sleep', '9']).terminate())"])
case("python3 traceback", [PYTHON, "-c", "def f(): return 1 / 0\nf()"], stderr=True)
for modules in (["json", "struct"], ["dict", "list", "zlib", "hashlib"], ["threading_local", "time", "sched", "resource"],
                ["fileio", "stat", "glob", "pathlib"]):
    case("python3 unittest " + " ".join(modules), [PYTHON, "@unittests.py", *modules], limit=120, stderr=True,
         needs=["/usr/lib/python3.11/test/test_struct.py"], hide=[(r"in \d+\.\d+s", "in TIME"), (r"skipped=\d+", "skipped")])

# ---- compiled here ------------------------------------------------------------------------------
case("Go goroutines", ["@go"], needs=["@go"], limit=60, stderr=False)
case("Go non-PIE and static", ["@go-static"], needs=["@go-static"], limit=60)
case("Rust threads, static", ["@rust"], needs=["@rust"])
case("C++ exceptions and threads", ["@c++"], needs=["@c++"])
case("make", ["make", "-C", "build", "-s"], needs=["make"])
case("objdump", ["objdump", "-d", "--no-show-raw-insn", "/bin/true"], needs=["objdump"])
case("readelf", ["readelf", "-aW", "/lib/x86_64-linux-gnu/libc.so.6"], needs=["readelf"])
case("openssl", ["openssl", "dgst", "-sha512", "numbers"], needs=["openssl"])
case("bc", ["bc", "-lq"], stdin="sums.bc", needs=["bc"])

# ---- busybox ------------------------------------------------------------------------------------
for applet in (["ls", "-l", "tree"], ["md5sum", "words"], ["awk", "{ s += $1 } END { print s }", "numbers"], ["sort", "-r", "table"],
               ["grep", "-c", "7", "numbers"], ["tar", "-cf", "-", "-C", "tree", "d1"], ["find", "tree", "-name", "f*"], ["expr", "6", "*", "7"],
               ["vi", "--help"], ["cpio", "-t"], ["bzip2", "-c", "table"], ["dc", "-e", "2 3 ^ p"]):
    case("busybox-static " + applet[0], ["/bin/busybox", *applet], needs=["/bin/busybox"])
HUSH = ["@busybox-static", "sh", "-c"]
case("hush pipelines", [*HUSH, "seq 1000 | grep 7 | sed s/7/seven/ | sort -r | head -n 5; echo a | (read x; echo got $x); echo $(seq 3 | wc -l)"],
     needs=["@busybox-static"])
case("hush here-document", [*HUSH, "x=5; f() { cat <<E\n$x $((x*2)) $(echo sub)\nE\n}; f | tr a-z A-Z; cat <<'E'\n$x\nE"], needs=["@busybox-static"])
case("hush background", [*HUSH, "for i in 1 2 3; do (sleep 0.$i; echo $i) & done; wait; echo all; false & wait $!; echo $?"],
     needs=["@busybox-static"])
case("hush functions", [*HUSH, "fib() { if [ $1 -lt 2 ]; then echo $1; else echo $(( $(fib $(($1-1))) + $(fib $(($1-2))) )); fi; }; fib 7"],
     needs=["@busybox-static"], limit=60)
case("hush case and loops", [*HUSH, "for f in tree/*; do case $f in *1) echo one $f;; *[23]) echo few $f;; *) echo $f;; esac; done;"
                             " i=0; until [ $i = 3 ]; do i=$((i+1)); [ $i = 2 ] && continue; echo $i; done"], needs=["@busybox-static"])
case("hush fifo", [*HUSH, "mkfifo p; (seq 5 >p) & cat p; wait; rm p; yes | head -n 2; echo $?"], needs=["@busybox-static"])
case("hush 500 children", [*HUSH, "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done; echo $i"], needs=["@busybox-static"])
case("busybox dynamic musl", ["@busybox-dynamic", "sh", "-c", "echo $0 | cat; uname -s; seq 3 | sort -r"], needs=["@busybox-dynamic", "/lib/ld-musl-x86_64.so.1"])
