/* Leaves one free block of 64 kB, none larger, and megabytes in blocks of 32 kB; stays until a signal ends it.
 *
 * It takes all blocks of 64 kB but one, and gives back half of each at once. Prints a line when the state is there. */

#include <sys/mman.h>
#include <unistd.h>

#include "look.h"
#include "tell.h"

#define BLOCK_BYTES 65536
#define BLOCK_ORDER 4 /* with pages of 4 kB */

/* How many free blocks of 64 kB or larger there are; larger ones count as several. */
static long free_blocks(void)
{
    struct state state;

    look(&state);
    return pages_from(&state, BLOCK_ORDER) >> BLOCK_ORDER;
}

int main(void)
{
    look_open();
    while (free_blocks() > 1) {
        char *address = mmap(0, BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (address == MAP_FAILED)
            return 1;
        munmap(address + BLOCK_BYTES / 2, BLOCK_BYTES / 2);
    }
    put("shaped\n");
    flush_line();
    pause();
    return 0;
}
