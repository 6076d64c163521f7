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

#define ORDERS_MAX 16
#define LEAST_ORDER 4 /* PAGE_ALLOC_COSTLY_ORDER + 1 */
#define TRIALS_PER_STATE 25
#define HELD_MAX 1500
#define PROGRAMS_MAX 16
#define RESERVE_PAGES 14 /* above min, for what the kernel needs besides the block: kernel stack, slab, page cache */

struct source {
    int descriptor;
    long length;
    char text[4096];
};

struct state {
    int orders;
    long blocks[ORDERS_MAX];
    long reclaimable_pages;
};

static struct source buddyinfo, meminfo, zoneinfo;
static struct { char *address; long bytes; } held[HELD_MAX];
static int held_count;
static char *programs[PROGRAMS_MAX];
static int program_count;
static int with_exec, with_cache;
static long page_bytes, min_pages, trials;
static uint32_t generator;
static char line[512], file_part[4096];
static long line_length;

extern char **environ;

/* --- output --- */

static void flush(void)
{
    for (long done = 0, n; done < line_length; done += n)
        if ((n = write(1, line + done, line_length - done)) <= 0)
            _exit(3);
    line_length = 0;
}

static void put(const char *text)
{
    while (*text && line_length < (long)sizeof line)
        line[line_length++] = *text++;
}

static void put_number(long number)
{
    char digits[12], *next = digits + sizeof digits - 1;

    *next = 0;
    do
        *--next = '0' + number % 10;
    while (number /= 10);
    put(next);
}

static void put_blocks(const struct state *state)
{
    for (int order = 0; order < state->orders; order++) {
        put(order ? "," : " ");
        put_number(state->blocks[order]);
    }
}

static void fail(const char *what)
{
    put("error ");
    put(what);
    put("\n");
    flush();
    _exit(1);
}

/* --- what the kernel says --- */

static void open_source(struct source *source, const char *path)
{
    if ((source->descriptor = open(path, O_RDONLY)) < 0)
        fail(path);
}

static const char *read_source(struct source *source)
{
    long n;

    source->length = 0;
    lseek(source->descriptor, 0, SEEK_SET);
    while ((n = read(source->descriptor, source->text + source->length, sizeof source->text - 1 - source->length)) > 0)
        source->length += n;
    source->text[source->length] = 0;
    return source->text;
}

static long number_after(const char *text, const char *key)
{
    const char *found = strstr(text, key);

    return found ? strtol(found + strlen(key), 0, 10) : 0;
}

/* The blocks are read last: nothing of ours happens between that and the request. */
static void read_state(struct state *state)
{
    const char *text = read_source(&meminfo);
    char *next;
    long kilobytes = number_after(text, "Active(file):") + number_after(text, "Inactive(file):") +
                     number_after(text, "SReclaimable:");

    state->reclaimable_pages = page_bytes ? kilobytes * 1024 / page_bytes : 0;
    text = strstr(read_source(&buddyinfo), "DMA ");
    if (!text)
        fail("no zone DMA");
    text += 4;
    for (state->orders = 0; state->orders < ORDERS_MAX; state->orders++, text = next) {
        while (*text == ' ')
            text++;
        if (*text < '0' || *text > '9')
            break;
        state->blocks[state->orders] = strtol(text, &next, 10);
    }
}

static long pages_from(const struct state *state, int order)
{
    long pages = 0;

    for (; order < state->orders; order++)
        pages += state->blocks[order] << order;
    return pages;
}

static void tell_constants(void)
{
    struct state state;
    const char *text;
    long free_bytes;

    read_state(&state);
    free_bytes = number_after(read_source(&meminfo), "MemFree:") * 1024;
    for (page_bytes = 4096; free_bytes > pages_from(&state, 0) * page_bytes * 3 / 2; page_bytes *= 2)
        ;
    text = strstr(read_source(&zoneinfo), "pages free");
    if (!text)
        fail("no marks");
    min_pages = number_after(text, " min ");
    put("page ");
    put_number(page_bytes);
    put("\nmarks ");
    put_number(min_pages);
    put(" ");
    put_number(number_after(text, " low "));
    put(" ");
    put_number(number_after(text, " high "));
    put("\n");
    flush();
}

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

    read_state(&state);
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

        read_state(&state);
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
    flush();
}

static void try_mmap(void)
{
    struct state before, after;
    long bytes = draw_trial_bytes();
    char *address;

    read_state(&before);
    address = ask(bytes);
    read_state(&after);
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

    read_state(&before);
    granted = starts(programs[number]);
    read_state(&after);
    tell("p", number, granted, &before, &after);
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
    flush();
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
    open_source(&buddyinfo, "/proc/buddyinfo");
    open_source(&meminfo, "/proc/meminfo");
    open_source(&zoneinfo, "/proc/zoneinfo");
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
    flush();
    return 0;
}
