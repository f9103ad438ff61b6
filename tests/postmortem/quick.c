/* Makes a call that no one knows, from a site that is patched by then, with thread-local storage full of 0x41. */
#include <string.h>
#include <sys/mman.h>

static long call(long nr) {
    long result;
    __asm__ volatile("nop\n nop\n nop\n nop\n syscall\n nop\n nop\n nop\n nop"
                     : "=a"(result) : "a"(nr) : "rcx", "r11", "memory");
    return result;
}

__attribute__((noinline)) long guest_function(long nr) { return call(nr) + 1; }

int main(void) {
    char *storage = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (storage == MAP_FAILED) return 1;
    memset(storage, 0x41, 1 << 16);
    for (int i = 0; i < 10; i++) guest_function(39);
    __asm__ volatile("wrfsbase %0" ::"r"(storage + (1 << 15)));
    guest_function(39);
    return guest_function(999);
}
