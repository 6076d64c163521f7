#include "tell.h"

#include <unistd.h>

static char line[512];
static long line_length;

void flush_line(void)
{
    for (long done = 0, n; done < line_length; done += n)
        if ((n = write(1, line + done, line_length - done)) <= 0)
            _exit(3);
    line_length = 0;
}

void put(const char *text)
{
    while (*text && line_length < (long)sizeof line)
        line[line_length++] = *text++;
}

void put_number(long number)
{
    char digits[12], *next = digits + sizeof digits - 1;

    *next = 0;
    do
        *--next = '0' + number % 10;
    while (number /= 10);
    put(next);
}

void fail(const char *what)
{
    put("error ");
    put(what);
    put("\n");
    flush_line();
    _exit(1);
}
