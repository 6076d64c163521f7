/* Starts, and ends: a program whose only trait is the memory that starting it takes, which its stack size decides. With
 * any argument it stays until a signal ends it. */
#include <unistd.h>

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        pause();
    return 0;
}
