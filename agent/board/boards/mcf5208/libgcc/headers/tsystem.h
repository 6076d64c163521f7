/* Of the C library libgcc2.c needs nothing in the parts that are compiled here. */
#include <stddef.h>
#define CHAR_BIT 8
extern void abort(void) __attribute__((noreturn));
#define gcc_assert(condition) ((void) 0)
