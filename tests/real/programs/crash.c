/* Does one bad thing, named by its argument: what a kernel must answer with a signal or an errno. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile int zero;

__attribute__((noinline)) static int deeper(int n)
{
	volatile char room[4096];

	room[0] = (char)n;
	return n > 0 ? deeper(n + 1) + room[0] : 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "null"))
		*(volatile int *)(long)zero = 1;
	else if (!strcmp(what, "jump"))
		((void (*)(void))(long)zero)();
	else if (!strcmp(what, "kernel address"))
		*(volatile char *)0xffffffff80000000ul = 1;
	else if (!strcmp(what, "non-canonical"))
		*(volatile char *)0x8000000000000000ul = 1;
	else if (!strcmp(what, "ud2"))
		__asm__("ud2");
	else if (!strcmp(what, "divide"))
		__asm__ volatile("idivl %1" : : "a"(1), "r"(zero), "d"(0));
	else if (!strcmp(what, "int3"))
		__asm__("int3");
	else if (!strcmp(what, "hlt"))
		__asm__("hlt");
	else if (!strcmp(what, "abort"))
		abort();
	else if (!strcmp(what, "stack overflow"))
		return deeper(1);
	else if (!strcmp(what, "smashed stack"))
		__asm__("mov $8, %rsp\n\tpush %rax");
	else if (!strcmp(what, "trap flag"))
		__asm__("pushf\n\torl $0x100, (%rsp)\n\tpopf\n\tnop\n\tnop");
	else if (!strcmp(what, "direction flag")) {
		/* A system call with DF set copies forwards all the same. */
		long n;
		__asm__ volatile("std\n\tsyscall\n\tcld" : "=a"(n) : "0"(1L), "D"(1L), "S"("forwards\n"), "d"(9L) : "rcx", "r11", "memory");
		return n != 9;
	} else if (!strcmp(what, "alignment check")) {
		long n;
		__asm__ volatile("pushf\n\torl $0x40000, (%%rsp)\n\tpopf\n\tsyscall\n\tpushf\n\tandl $~0x40000, (%%rsp)\n\tpopf"
				 : "=a"(n) : "0"(1L), "D"(1L), "S"("aligned\n"), "d"(8L) : "rcx", "r11", "memory");
		return n != 8;
	} else if (!strcmp(what, "wild pointers")) {
		const unsigned long wild[] = { 0, 1, 4095, 0x400000, 0x7fffffffffff, 0x800000000000, 0xffffffff80000000ul, ~0ul };
		for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
			long a = syscall(SYS_read, 0, 0), b, c;
			errno = 0;
			a = syscall(SYS_pipe2, wild[i], 0);
			b = errno;
			c = syscall(SYS_rt_sigaction, SIGUSR1, NULL, wild[i] ? wild[i] : 8, 8);
			printf("%ld %ld %ld %d\n", a, b, c, errno);
		}
	} else if (!strcmp(what, "truncated map")) {
		char name[] = "/tmp/llano-crash.XXXXXX";
		int fd = mkstemp(name);
		char *p;

		unlink(name);
		if (ftruncate(fd, 8192) || (p = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
			return 1;
		if (ftruncate(fd, 0))
			return 1;
		errno = 0;
		ssize_t n = write(1, p + 4096, 1);
		printf("%zd %d\n", n, errno);
		fflush(stdout);
		return p[4096];
	} else if (!strcmp(what, "int 0x80")) {
		long n;
		__asm__ volatile("int $0x80" : "=a"(n) : "0"(20L) : "memory");
		printf("%ld\n", n);
	} else if (!strcmp(what, "unknown call")) {
		long r = syscall(999, 1, 2, 3);
		printf("%ld %d\n", r, errno);
	}
	return 0;
}
