/* The first code of a flat program that lies in RAM as a whole.
 *
 * The kernel (create_flat_tables() in fs/binfmt_flat.c, Linux 6.1) leaves argc and the two lists on the stack; on ARM
 * there are pointers to the lists in between. A third list, of (key, value), flat programs do not get, and the C library
 * expects it behind the others. So the two are copied, and the one thing that the library needs from the third is put
 * there. */

#include <elf.h>

int main(int, char **, char **);
void _init(void) __attribute__((weak));
void _fini(void) __attribute__((weak));
int __libc_start_main(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void));

/* Larger pages do no harm: the kernel rounds up what the library asks for. */
#define PAGE_BYTES 4096

#ifdef __riscv
__asm__(".section .text.start,\"ax\"\n"
        ".global _start\n"
        "_start:\n"
        ".option push\n"
        ".option norelax\n"
        "    lla gp, __global_pointer$\n"
        ".option pop\n"
        "    mv a0, sp\n"
        "    li s0, 0\n"
        "    li ra, 0\n"
        "    andi sp, sp, -16\n"
        "    call flat_start\n"
        ".text\n");

static char **arguments(long *stack) { return (char **)(stack + 1); }
static char **variables(long *stack) { return arguments(stack) + stack[0] + 1; }
#else
__asm__(".section .text.start,\"ax\",%progbits\n"
        ".syntax unified\n"
        ".thumb\n"
        ".global _start\n"
        ".type _start,%function\n"
        ".thumb_func\n"
        "_start:\n"
        "    mov r0, sp\n"
        "    bic r1, r0, #7\n"
        "    mov sp, r1\n"
        "    mov fp, #0\n"
        "    mov lr, #0\n"
        "    bl flat_start\n"
        ".text\n");

/* Code that may be unwound names them; nothing here is. */
void __aeabi_unwind_cpp_pr0(void) {}
void __aeabi_unwind_cpp_pr1(void) {}

static char **arguments(long *stack) { return (char **)stack[1]; }
static char **variables(long *stack) { return (char **)stack[2]; }
#endif

__attribute__((used, visibility("hidden"))) void flat_start(long *stack)
{
    long argc = stack[0], environment = 0;
    char **argv = arguments(stack), **envp = variables(stack);

    while (envp[environment])
        environment++;
    char *vector[argc + 1 + environment + 1 + 4], **next = vector;

    for (long i = 0; i <= argc; i++)
        *next++ = argv[i];
    for (long i = 0; i <= environment; i++)
        *next++ = envp[i];
    *next++ = (char *)AT_PAGESZ;
    *next++ = (char *)PAGE_BYTES;
    *next++ = (char *)AT_NULL;
    *next++ = 0;
    __libc_start_main(main, argc, vector, _init, _fini, 0);
}
