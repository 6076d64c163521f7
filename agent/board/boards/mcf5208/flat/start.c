/* The first code of a flat program.
 *
 * The kernel (create_flat_tables() in fs/binfmt_flat.c, Linux 6.1) leaves on the stack argc, a pointer to argv, a pointer
 * to envp, and the two lists; %d5 has the start of the data. The C library expects the lists at once behind argc, and
 * after them a third one, of (key, value), that flat programs do not get. So they are copied, and the one thing that the
 * library needs from the third is put there. */

#include <elf.h>

int main(int, char **, char **);
void _init(void) __attribute__((weak));
void _fini(void) __attribute__((weak));
int __libc_start_main(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void));

/* Larger pages do no harm: the kernel rounds up what the library asks for. */
#define PAGE_BYTES 4096

__asm__(".section .text.start,\"ax\"\n"
        ".global _start\n"
        "_start:\n"
        "    move.l %d5,%a5\n"
        "    move.l %sp,%d0\n"
        "    sub.l %fp,%fp\n"
        "    move.l %d0,-(%sp)\n"
        "    lea flat_start-.-8,%a0\n"
        "    jsr (%pc,%a0)\n"
        ".text\n");

static long words(char **list)
{
    long n = 0;
    while (list[n])
        n++;
    return n;
}

__attribute__((used, visibility("hidden"))) void flat_start(long *stack)
{
    long argc = stack[0], environment = words((char **)stack[2]);
    char *vector[argc + 1 + environment + 1 + 4], **next = vector;

    for (long i = 0; i <= argc; i++)
        *next++ = ((char **)stack[1])[i];
    for (long i = 0; i <= environment; i++)
        *next++ = ((char **)stack[2])[i];
    *next++ = (char *)AT_PAGESZ;
    *next++ = (char *)PAGE_BYTES;
    *next++ = (char *)AT_NULL;
    *next++ = 0;
    __libc_start_main(main, argc, vector, _init, _fini, 0);
}
