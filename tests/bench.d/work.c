// Wall time of a real program: work [-c FROM TO]... [-i STDIN] [-u FILE] TIMES COMMAND...
// -c copies a tree first (llano's own tmpfs starts empty), -u removes a file before each run.
// The command runs once to warm up; its stdout is dropped. Prints ns, the median.

#include "bench.h"
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void copy_file(const char *from, const char *to, const struct stat *st)
{
    static char block[64 << 10];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, st->st_mode & 0777);
    MUST(in >= 0 && out >= 0);
    for (ssize_t got; (got = read(in, block, sizeof block)) != 0;)
        MUST(got > 0 && write(out, block, got) == got);
    // git trusts an index that is younger than the files it lists.
    struct timespec times[2] = {st->st_atim, st->st_mtim};
    MUST(futimens(out, times) == 0);
    close(in);
    close(out);
}

static void copy_tree(const char *from, const char *to)
{
    MUST(mkdir(to, 0700) == 0);
    DIR *dir = opendir(from);
    MUST(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char source[PATH_MAX], target[PATH_MAX];
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        struct stat st;
        MUST(lstat(source, &st) == 0);
        if (S_ISDIR(st.st_mode))
            copy_tree(source, target);
        else
            copy_file(source, target, &st);
    }
    closedir(dir);
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st, (void)kind, (void)where;
    return remove(path);
}

static void remove_tree(const char *path) { nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

static double run(char **command, const char *input)
{
    long start = now_ns();
    pid_t pid = vfork();
    if (pid == 0) {
        int in = open(input, O_RDONLY), out = open("/dev/null", O_WRONLY);
        dup2(in, 0);
        dup2(out, 1);
        execvp(command[0], command);
        _exit(127);
    }
    MUST(pid > 0);
    int status;
    MUST(waitpid(pid, &status, 0) == pid);
    double took = now_ns() - start;
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return took;
}

int main(int argc, char **argv)
{
    const char *input = "/dev/null", *stale = NULL, *copy = NULL;
    argv++, argc--;
    for (; argc > 2 && argv[0][0] == '-'; argv += 2, argc -= 2) {
        if (strcmp(argv[0], "-c") == 0) {
            copy = argv[2];
            remove_tree(copy);
            copy_tree(argv[1], copy);
            argv++, argc--;
        } else if (strcmp(argv[0], "-i") == 0) {
            input = argv[1];
        } else {
            MUST(strcmp(argv[0], "-u") == 0);
            stale = argv[1];
        }
    }
    MUST(argc >= 2);
    int times = atoi(argv[0]);
    MUST(times > 0);
    double *took = calloc(times, sizeof *took);
    for (int i = -1; i < times; i++) {
        if (stale)
            unlink(stale);
        double ns = run(argv + 1, input);
        if (i >= 0)
            took[i] = ns;
    }
    if (stale)
        unlink(stale);
    if (copy)
        remove_tree(copy);
    qsort(took, times, sizeof *took, compare_doubles);
    printf("%.0f\n", took[times / 2]);
    return 0;
}
