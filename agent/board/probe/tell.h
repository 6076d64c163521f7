/* Lines on standard output, without the memory that stdio takes. */

/* These add to a line, which flush_line() writes. */
void put(const char *text);
void put_number(long number); /* 0 and more */
void flush_line(void);

/* Prints `error WHAT` and ends the program with 1. */
void fail(const char *what) __attribute__((noreturn));
