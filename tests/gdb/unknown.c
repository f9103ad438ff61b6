// A call that no kernel knows: with LLANO_TEST=panic or hang it shows llano's own death.
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    return syscall(999) == -1 ? 7 : 8;
}
