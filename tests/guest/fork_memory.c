// After fork() each process has its own data, bss, heap, stack and private maps; fork(2).
// syscalls: fork clone
// build: static dynamic musl musl-dynamic fixed fixed-dynamic
#include "ktap.h"

static int data = 1, bss;

TEST(ids) {
    pid_t parent = getpid();
    pid_t pid = fork_child();
    if (pid == 0) {
        EXPECT(getpid() != parent);
        EXPECT_EQ(getppid(), parent);
        EXPECT_EQ(syscall(SYS_gettid), getpid());
        EXPECT_EQ(getpgrp(), getpgid(parent));
        EXPECT_EQ(getsid(0), getsid(parent));
        leave();
    }
    CHECK(pid > 0 && pid != parent);
    CHECK_CHILD(pid);
    CHECK_EQ(getpid(), parent);
}

// Both write everything, in turns, and each sees only its own.
TEST(each_writes_its_own) {
    int stack = 3, *heap = malloc(sizeof *heap);
    int *map = MUST(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    int *places[] = {&data, &bss, &stack, heap, map};
    struct gate child_wrote = gate(), parent_wrote = gate();
    for (int i = 0; i < 5; i++) *places[i] = 10 + i;
    pid_t pid = fork_child();
    if (pid == 0) {
        for (int i = 0; i < 5; i++) EXPECT_EQ(*places[i], 10 + i);
        for (int i = 0; i < 5; i++) *places[i] = 20 + i;
        open_gate(child_wrote);
        pass_gate(parent_wrote);
        for (int i = 0; i < 5; i++) EXPECT_EQ(*places[i], 20 + i);
        leave();
    }
    pass_gate(child_wrote);
    for (int i = 0; i < 5; i++) EXPECT_EQ(*places[i], 10 + i);
    for (int i = 0; i < 5; i++) *places[i] = 30 + i;
    open_gate(parent_wrote);
    CHECK_CHILD(pid);
    for (int i = 0; i < 5; i++) CHECK_EQ(*places[i], 30 + i);
    MUST(munmap(map, 4096));
    free(heap);
}

// The parent writes first, while the child has touched nothing.
TEST(child_sees_the_moment_of_the_fork) {
    struct gate written = gate();
    static char block[3 * 4096];
    memset(block, 'a', sizeof block);
    pid_t pid = fork_child();
    if (pid == 0) {
        pass_gate(written);
        for (unsigned i = 0; i < sizeof block; i++) CHECK_EQ(block[i], 'a');
        leave();
    }
    memset(block, 'b', sizeof block);
    open_gate(written);
    CHECK_CHILD(pid);
    for (unsigned i = 0; i < sizeof block; i++) CHECK_EQ(block[i], 'b');
}

TEST(heap_grows_in_both) {
    struct gate go = gate();
    pid_t pid = fork_child();
    for (int i = 0; i < 200; i++) {
        char *p = malloc(5000);
        memset(p, pid ? 'p' : 'c', 5000);
        if (i == 100) {
            if (pid) open_gate(go);
            else pass_gate(go);
        }
        for (int k = 0; k < 5000; k++) CHECK_EQ(p[k], pid ? 'p' : 'c');
    }
    if (pid == 0) leave();
    CHECK_CHILD(pid);
}

TEST(siblings) {
    enum { COUNT = 10 };
    pid_t pids[COUNT];
    struct gate go = gate();
    for (int i = 0; i < COUNT; i++) {
        data = i;
        pids[i] = fork_child();
        if (pids[i] == 0) {
            pass_gate(go);
            EXPECT_EQ(data, i);
            data += 1000;
            EXPECT_EQ(data, i + 1000);
            leave();
        }
    }
    data = -1;
    for (int i = 0; i < COUNT; i++) open_gate(go);
    for (int i = 0; i < COUNT; i++) CHECK_CHILD(pids[i]);
    CHECK_EQ(data, -1);
}

// What stdio had not written yet is copied, too.
TEST(buffers_are_copied) {
    scratch();
    FILE *f = fopen("buffered", "w");
    CHECK(f != NULL);
    fputs("once, ", f);
    pid_t pid = fork_child();
    if (pid == 0) {
        fputs("child\n", f);
        fclose(f);
        leave();
    }
    CHECK_CHILD(pid);
    fputs("parent\n", f);
    fclose(f);
    CHECK(strcmp(get_file("buffered"), "once, child\nonce, parent\n") == 0);
}

TEST(a_thousand_children) {
    for (int i = 0; i < 1000; i++) {
        bss = i;
        pid_t pid = fork_child();
        if (pid == 0) {
            bss += 7;
            _exit(bss == i + 7 ? i % 100 : 255);
        }
        CHECK_EQ(wait_status(pid), EXITED(i % 100));
        CHECK_EQ(bss, i);
    }
}
