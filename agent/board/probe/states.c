#include "states.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "look.h"
#include "tell.h"

#define HELD_MAX 1500
#define RESERVE_PAGES 14 /* above min, for what the kernel needs besides the block: kernel stack, slab, page cache */

static struct { char *address; long bytes; } held[HELD_MAX];
static int held_count;
static struct board board;
static uint32_t generator;
static char file_part[4096];

void states_open(uint32_t seed, const struct board *of_board)
{
    generator = seed * 2654435761u + 1;
    board = *of_board;
}

uint32_t draw(uint32_t below)
{
    generator ^= generator << 13;
    generator ^= generator >> 17;
    generator ^= generator << 5;
    return generator % below;
}

char *ask(long bytes)
{
    char *address = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return address == MAP_FAILED ? 0 : address;
}

int hold(char *address, long bytes)
{
    if (held_count >= HELD_MAX)
        return 0;
    held[held_count].address = address;
    held[held_count++].bytes = bytes;
    return 1;
}

static void give_back(int index)
{
    munmap(held[index].address, held[index].bytes);
    held[index] = held[--held_count];
}

static int order_of(long pages)
{
    int order = 0;

    while ((1L << order) < pages)
        order++;
    return order;
}

int is_safe(long pages)
{
    struct state state;
    int order = order_of(pages);

    look(&state);
    return pages_from(&state, order) >= (1L << order) + board.min_pages + RESERVE_PAGES;
}

static long draw_pages(void)
{
    switch (draw(8)) {
    case 0: return 9 + draw(56);
    case 1:
    case 2: return 2 + draw(7);
    default: return 1;
    }
}

static void fill(long free_pages)
{
    struct state state;

    for (int refused = 0; held_count < HELD_MAX - 1 && refused < 20;) {
        long pages = draw_pages();
        char *address;

        look(&state);
        if (pages_from(&state, 0) <= free_pages)
            break;
        if (is_safe(pages) && (address = ask(pages * board.page_bytes)))
            hold(address, pages * board.page_bytes);
        else
            refused++;
    }
}

/* Frees single blocks, or runs of blocks that were requested one after the other and so often lie side by side. */
static void thin_out(void)
{
    int run_max = 1 + draw(3) * draw(12), percent = 5 + draw(50);

    for (int left = held_count * percent / 100; left > 0 && held_count > 0;) {
        int run = 1 + draw(run_max), at = draw(held_count);

        while (run-- > 0 && at < held_count && left-- > 0) {
            munmap(held[at].address, held[at].bytes);
            held[at++].bytes = 0;
        }
        for (int i = held_count - 1; i >= 0; i--)
            if (!held[i].bytes)
                held[i] = held[--held_count];
    }
}

void give_some_back(int count)
{
    for (; count > 0 && held_count > 0; count--)
        give_back(draw(held_count));
}

void give_back_all(void)
{
    while (held_count > 0)
        give_back(held_count - 1);
}

static void drop_caches(void)
{
    int descriptor = open("/proc/sys/vm/drop_caches", O_WRONLY);

    if (descriptor < 0 || write(descriptor, "3", 1) != 1)
        fail("drop_caches");
    close(descriptor);
}

void read_file(void)
{
    int descriptor = open(board.files[draw(board.file_count)], O_RDONLY);

    while (descriptor >= 0 && is_safe(4) && read(descriptor, file_part, sizeof file_part) > 0)
        ;
    close(descriptor);
}

void make_state(int round)
{
    static const short spare_pages[] = {12, 24, 60, 200, 600};

    if (round % 16 == 15)
        give_back_all();
    if (!board.file_count)
        drop_caches();
    fill(board.min_pages + RESERVE_PAGES + draw(spare_pages[draw(5)]));
    if (draw(4))
        thin_out();
    for (int i = 0; board.file_count && i < 4; i++)
        read_file();
    if (draw(4))
        fill(board.min_pages + RESERVE_PAGES + draw(spare_pages[draw(5)]));
}
