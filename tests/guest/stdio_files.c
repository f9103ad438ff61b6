// The C library's own files: buffered writing, reading lines, seeking, popen-free temporary files; stdio(3).
// syscalls: openat read write lseek newfstatat
// build: static dynamic musl fixed musl-dynamic
#include "ktap.h"

TEST(write_and_read_lines) {
    scratch();
    FILE *f = fopen("f", "w+");
    char line[64];
    CHECK(f != NULL);
    for (int i = 0; i < 5000; i++) CHECK(fprintf(f, "line %d\n", i) > 0);
    rewind(f);
    for (int i = 0; i < 5000; i++) {
        int n = -1;
        CHECK(fgets(line, sizeof line, f) != NULL);
        CHECK_EQ(sscanf(line, "line %d", &n), 1);
        CHECK_EQ(n, i);
    }
    CHECK(fgets(line, sizeof line, f) == NULL);
    CHECK(feof(f));
    CHECK_EQ(fseek(f, 7, SEEK_SET), 0);
    CHECK(fgets(line, sizeof line, f) != NULL);
    CHECK(strcmp(line, "line 1\n") == 0);
    CHECK_EQ(fclose(f), 0);
}

TEST(append_mode) {
    FILE *f = fopen("f", "a");
    CHECK(f != NULL);
    CHECK(fputs("the end\n", f) >= 0);
    CHECK_EQ(fclose(f), 0);
    char *text = get_file("f");
    CHECK(strcmp(text + get_length - 8, "the end\n") == 0);
}

TEST(temporary) {
    FILE *f = tmpfile();
    CHECK(f != NULL);
    CHECK_EQ(fwrite("abc", 1, 3, f), 3);
    rewind(f);
    char b[4] = {0};
    CHECK_EQ(fread(b, 1, 3, f), 3);
    CHECK(strcmp(b, "abc") == 0);
    fclose(f);
}

TEST(directory_walk) {
    MUST(mkdir("d", 0755));
    put_file("d/one", "");
    put_file("d/two", "");
    struct dirent **list;
    CHECK_EQ(scandir("d", &list, NULL, alphasort), 4);
    CHECK(strcmp(list[2]->d_name, "one") == 0 && strcmp(list[3]->d_name, "two") == 0);
    char *real = realpath("d/../d/./one", NULL), want[128];
    snprintf(want, sizeof want, "%s/d/one", scratch_path);
    CHECK(real && strcmp(real, want) == 0);
}
