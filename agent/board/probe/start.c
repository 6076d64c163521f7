/* A program that does nothing: its purpose is the memory that its start takes, which its stack size decides. It ends at
 * once; with any argument it stays until a signal ends it. With a second one it first writes a line to a new file of that
 * name, as a job of cron does, and so takes a page that outlives it. */
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    if (argc > 2) {
        int file = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
        if (file < 0 || write(file, "done\n", 5) != 5)
            return 1;
    }
    if (argc > 1)
        pause();
    return 0;
}
