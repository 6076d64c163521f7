/* Leaves one free block of 64 kB, none larger, and megabytes in blocks of 32 kB; stays until a signal ends it.
 *
 * It takes all blocks of 64 kB but one, and gives back half of each at once. Prints a line when the state is there. */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_BYTES 65536
#define BLOCK_ORDER 4 /* with pages of 4 kB */

static char text[512];

static void say(const char *line)
{
    if (write(1, line, strlen(line)) < 0)
        _exit(3);
}

/* How many free blocks of 64 kB or larger there are; larger ones count as several. */
static int free_blocks(int descriptor)
{
    long length, count = 0;
    char *next;

    lseek(descriptor, 0, SEEK_SET);
    length = read(descriptor, text, sizeof text - 1);
    text[length > 0 ? length : 0] = 0;
    if (!(next = strstr(text, "DMA ")))
        _exit(3);
    next += 4;
    for (int order = 0; *next && *next != '\n'; order++) {
        long n = strtol(next, &next, 10);
        if (order >= BLOCK_ORDER)
            count += n << (order - BLOCK_ORDER);
        while (*next == ' ')
            next++;
    }
    return count;
}

int main(void)
{
    int descriptor = open("/proc/buddyinfo", O_RDONLY);

    if (descriptor < 0)
        return 3;
    while (free_blocks(descriptor) > 1) {
        char *address = mmap(0, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (address == MAP_FAILED)
            return 1;
        munmap(address + BLOCK_BYTES / 2, BLOCK_BYTES / 2);
    }
    close(descriptor);
    say("shaped\n");
    pause();
    return 0;
}
