/* Brings memory into many states of fragmentation, and asks the kernel for contiguous blocks in each.
 *
 *     asker SEED TRIALS mmap|exec|cache [PROGRAM...]
 *
 * mmap   asks by anonymous mmap, with nothing in memory that could be reclaimed
 * cache  the same with page cache, made by reading the PROGRAMs
 * exec   asks by starting one of the PROGRAMs
 *
 * Nothing but blocks of order 4 and more is asked for close to a limit: for less the kernel calls its OOM killer. All
 * memory of its own is in place before the first line is printed. Prints, numbers in pages unless they are bytes:
 *
 *     page BYTES
 *     marks MIN LOW HIGH
 *     program NUMBER HEADER      the first 64 bytes of a PROGRAM, hexadecimal
 *     trial BYTES|pNUMBER GRANTED RECLAIMABLE FREE_BLOCKS FREE_BLOCKS_AFTER
 *     end
 *
 * FREE_BLOCKS: /proc/buddyinfo right before, and right after with the block still held; GRANTED: 1 or 0. */

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "look.h"
#include "tell.h"

#define LEAST_ORDER 4 /* PAGE_ALLOC_COSTLY_ORDER + 1 */
#define TRIALS_PER_STATE 25
#define HELD_MAX 1500
#define PROGRAMS_MAX 16
#define RESERVE_PAGES 14 /* above min, for what the kernel needs besides the block: kernel stack, slab, page cache */

static struct { char *address; long bytes; } held[HELD_MAX];
static int held_count;
static char *programs[PROGRAMS_MAX];
static int program_count;
static int with_exec, with_cache;
static long page_bytes, min_pages, trials;
static uint32_t generator;
static char file_part[4096];

extern char **environ;

/* --- states --- */

static uint32_t draw(uint32_t below)
{
    generator ^= generator << 13;
    generator ^= generator >> 17;
    generator ^= generator << 5;
    return generator % below;
}

static char *ask(long bytes)
{
    char *address = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return address == MAP_FAILED ? 0 : address;
}

static void hold(char *address, long bytes)
{
    held[held_count].address = address;
    held[held_count++].bytes = bytes;
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

/* Whether this many pages are so sure to be granted, by any rule, that the OOM killer is not called. */
static int is_safe(long pages)
{
    struct state state;
    int order = order_of(pages);

    look(&state);
    return pages_from(&state, order) >= (1L << order) + min_pages + RESERVE_PAGES;
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
        if (is_safe(pages) && (address = ask(pages * page_bytes)))
            hold(address, pages * page_bytes);
        else
            refused++;
    }
}

/* Single blocks, or runs of those that were asked for one after the other and so often lie side by side. */
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

static void give_back_all(void)
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

/* Reads one of the programs into the page cache, as far as that is safe. */
static void read_program(void)
{
    int descriptor = open(programs[draw(program_count)], O_RDONLY);

    while (descriptor >= 0 && is_safe(4) && read(descriptor, file_part, sizeof file_part) > 0)
        ;
    close(descriptor);
}

static void make_state(int round)
{
    static const short spare_pages[] = {12, 24, 60, 200, 600};

    if (round % 16 == 15)
        give_back_all();
    if (!with_cache)
        drop_caches();
    fill(min_pages + RESERVE_PAGES + draw(spare_pages[draw(5)]));
    if (draw(4))
        thin_out();
    for (int i = 0; with_cache && i < 4; i++)
        read_program();
    if (draw(4))
        fill(min_pages + RESERVE_PAGES + draw(spare_pages[draw(5)]));
}

/* --- trials --- */

static long draw_trial_bytes(void)
{
    int order = LEAST_ORDER + draw(2) * draw(5);
    long pages = (1L << (order - 1)) + 1 + draw(1 << (order - 1));

    return pages * page_bytes - draw(page_bytes);
}

static void put_blocks(const struct state *state)
{
    for (int order = 0; order < state->orders; order++) {
        put(order ? "," : " ");
        put_number(state->blocks[order]);
    }
}

static void tell(const char *prefix, long asked, int granted, const struct state *before, const struct state *after)
{
    put("trial ");
    put(prefix);
    put_number(asked);
    put(granted ? " 1 " : " 0 ");
    put_number(before->reclaimable_pages);
    put_blocks(before);
    put_blocks(after);
    put("\n");
    flush_line();
}

static void try_mmap(void)
{
    struct state before, after;
    long bytes = draw_trial_bytes();
    char *address;

    look(&before);
    address = ask(bytes);
    look(&after);
    tell("", bytes, address != 0, &before, &after);
    if (address && held_count < HELD_MAX - 1 && !draw(6))
        hold(address, bytes);
    else if (address)
        munmap(address, bytes);
}

static int starts(char *program)
{
    char *arguments[] = {program, 0};
    int status;
    pid_t child = vfork();

    if (child == 0) {
        execve(program, arguments, environ);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        fail("vfork");
    return status == 0;
}

static void try_exec(void)
{
    struct state before, after;
    int number = draw(program_count), granted;

    look(&before);
    granted = starts(programs[number]);
    look(&after);
    tell("p", number, granted, &before, &after);
}

static void tell_constants(void)
{
    struct marks marks;

    look_marks(&marks);
    page_bytes = look_page_bytes();
    min_pages = marks.min;
    put("page ");
    put_number(page_bytes);
    put("\nmarks ");
    put_number(marks.min);
    put(" ");
    put_number(marks.low);
    put(" ");
    put_number(marks.high);
    put("\n");
    flush_line();
}

static void tell_program(int number)
{
    unsigned char header[64];
    int descriptor = open(programs[number], O_RDONLY);

    if (descriptor < 0 || read(descriptor, header, sizeof header) != sizeof header)
        fail(programs[number]);
    close(descriptor);
    put("program ");
    put_number(number);
    put(" ");
    for (unsigned i = 0; i < sizeof header; i++) {
        char digits[] = {"0123456789abcdef"[header[i] >> 4], "0123456789abcdef"[header[i] & 15], 0};
        put(digits);
    }
    put("\n");
    flush_line();
}

/* One trial, and a few small changes of the state. */
static void try_once(void)
{
    if (!with_exec)
        try_mmap();
    else if (is_safe(2))
        try_exec();
    else
        trials++;
    trials--;
    for (int n = draw(4); n > 0 && held_count > 0; n--)
        give_back(draw(held_count));
    if (with_cache && !draw(4))
        read_program();
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc - 4 > PROGRAMS_MAX)
        fail("usage: asker SEED TRIALS mmap|exec|cache [PROGRAM...]");
    generator = strtoul(argv[1], 0, 10) * 2654435761u + 1;
    trials = strtol(argv[2], 0, 10);
    with_exec = !strcmp(argv[3], "exec");
    with_cache = !strcmp(argv[3], "cache");
    for (; program_count < argc - 4; program_count++)
        programs[program_count] = argv[4 + program_count];
    look_open();
    tell_constants();
    for (int number = 0; number < program_count; number++)
        tell_program(number);
    for (int round = 0; trials > 0; round++) {
        make_state(round);
        for (int i = 0; i < TRIALS_PER_STATE && trials > 0; i++)
            try_once();
    }
    give_back_all();
    put("end\n");
    flush_line();
    return 0;
}
