// A call changes rax, rcx and r11 and nothing else: no register, no flag, no byte of the red zone, whatever stands around
// the instruction and however often it ran before; syscall(2).
// syscalls: getppid
#include "ktap.h"

// Not static: the assembly names them. rbx rdx rsi rdi rbp r8 r9 r10 r12 r13 r14 r15, then rax rcx r11.
uint64_t want[12], got[15], want_flags, got_flags, red_zone[16];

// A function `name` that loads everything, runs `front`, `syscall`, `back`, and stores everything.
#define SITE(name, front, back)                                                                                       \
    extern char name[], name##_next[];                                                                                \
    __asm__(".text\n.balign 64\n.type " #name ", @function\n" #name ":\n"                                             \
            ".irp r, rbx, rbp, r12, r13, r14, r15\n push %\\r\n .endr\n"                                              \
            "push want_flags(%rip)\n popfq\n"                                                                         \
            ".set at, 0\n .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16\n"                                           \
            " mov red_zone+8*\\n-8(%rip), %rax\n mov %rax, -8*\\n(%rsp)\n .endr\n"                                    \
            ".irp r, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15\n"                                      \
            " mov want+at(%rip), %\\r\n .set at, at+8\n .endr\n" front "syscall\n" #name "_next:\n" back              \
            ".set at, 0\n .irp r, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15, rax, rcx, r11\n"          \
            " mov %\\r, got+at(%rip)\n .set at, at+8\n .endr\n"                                                       \
            ".irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16\n"                                                        \
            " mov -8*\\n(%rsp), %rax\n mov %rax, red_zone+8*\\n-8(%rip)\n .endr\n"                                    \
            "pushfq\n pop got_flags(%rip)\n cld\n"                                                                    \
            ".irp r, r15, r14, r13, r12, rbp, rbx\n pop %\\r\n .endr\n ret\n.size " #name ", .-" #name "\n")

SITE(number_in_front, "mov $110, %eax\n", "");
SITE(wide_number_in_front, "mov $110, %rax\n", "jmp 1f\n nop\n 1:\n");
SITE(short_neighbours, "mov $110, %al\n movzx %al, %eax\n", "mov %rbx, %rbx\n");
SITE(at_a_target, "jmp 1f\n 2: jmp 3f\n 1: mov $110, %eax\n jmp 2b\n 3: ", "lea 0(%rbp), %rbp\n nop\n");
SITE(branch_behind, "mov $110, %eax\n nop\n", "jrcxz 1f\n nop\n 1:\n");
SITE(two_bytes_at_a_time, "mov $110, %al\n movzx %al, %eax\n nop\n jmp 1f\n 1: ", "nop\n nop\n nop\n nop\n");
SITE(five_bytes_between, "mov $110, %eax\n jrcxz 1f\n nop\n 1: mov %r8, %r8\n", "jrcxz 1f\n nop\n 1:\n");

static void run(char *site, char *next) {
    uint64_t seed = 88172645463325252ULL;
    for (int i = 0; i < 2000; i++) {
        uint64_t zone[16];
        for (int k = 0; k < 12; k++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            want[k] = seed;
            zone[k] = red_zone[k] = seed * 3, zone[15 - k] = red_zone[15 - k] = seed * 5;
        }
        // CF PF AF ZF SF DF OF by turns; interrupts are on.
        want_flags = 0x202 | (seed & 0xcd5);
        ((void (*)(void))site)();
        for (int k = 0; k < 12; k++) CHECK_EQ(got[k], want[k]);
        CHECK_EQ(got[12], getppid());
        CHECK_EQ(got[13], next);
        CHECK_EQ(got[14], want_flags);
        CHECK_EQ(got_flags, want_flags);
        CHECK(memcmp(zone, red_zone, sizeof zone) == 0);
    }
}

TEST(behind_a_long_instruction) { run(number_in_front, number_in_front_next); }
TEST(behind_a_longer_one) { run(wide_number_in_front, wide_number_in_front_next); }
TEST(between_short_ones) { run(short_neighbours, short_neighbours_next); }
TEST(at_a_jump_target) { run(at_a_target, at_a_target_next); }
TEST(before_a_loop_instruction) { run(branch_behind, branch_behind_next); }
TEST(among_the_shortest) { run(two_bytes_at_a_time, two_bytes_at_a_time_next); }
TEST(in_five_bytes_between_what_stays) { run(five_bytes_between, five_bytes_between_next); }
