// The dynamic loader: libraries with constructors, dlopen, dlsym, lazy and thread-local symbols; ld.so(8), dlopen(3).
// syscalls: mmap mprotect openat
// build: dynamic
#include "ktap.h"
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>

static int constructed;
static void __attribute__((constructor)) before_main(void) { constructed = 1; }

TEST(constructors_ran) { CHECK_EQ(constructed, 1); }

TEST(open_the_mathematics) {
    void *lib = dlopen("libm.so.6", RTLD_NOW);
    CHECK(lib != NULL);
    double (*f)(double) = (double (*)(double))dlsym(lib, "cos");
    CHECK(f != NULL);
    CHECK(f(0.0) == 1.0);
    CHECK(dlsym(lib, "no_such_symbol") == NULL);
    CHECK_EQ(dlclose(lib), 0);
}

TEST(missing_library) {
    CHECK(dlopen("libnone-of-this-name.so", RTLD_NOW) == NULL);
    CHECK(strstr(dlerror(), "libnone") != NULL);
}

static __thread int local = 9;
static void *body(void *arg) {
    (void)arg;
    return (void *)(long)local;
}
TEST(thread_local_in_a_thread) {
    pthread_t t;
    void *r;
    local = 10;
    CHECK_EQ(pthread_create(&t, NULL, body, NULL), 0);
    CHECK_EQ(pthread_join(t, &r), 0);
    CHECK_EQ(r, 9);
}

TEST(address_knows_its_library) {
    Dl_info info;
    CHECK(dladdr((void *)write, &info) != 0);
    CHECK(strstr(info.dli_fname, "libc") != NULL);
}
