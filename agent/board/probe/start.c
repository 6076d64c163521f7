/* A program that does nothing: its purpose is the memory that its start takes, which its stack size decides. It ends at
 * once; with any argument it stays until a signal ends it. */
#include <unistd.h>

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        pause();
    return 0;
}
