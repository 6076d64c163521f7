/* Makes many states of fragmentation, and requests contiguous blocks from the kernel in each.
 *
 *     asker SEED TRIALS mmap|exec|cache [PROGRAM...]
 *
 * mmap   requests by anonymous mmap, with nothing in memory that could be reclaimed
 * cache  the same with page cache, made by reading the PROGRAMs
 * exec   requests by starting one of the PROGRAMs
 *
 * Close to a limit only blocks of order 4 and more are requested: for smaller ones the kernel calls its OOM killer. The
 * program has all of its own memory before it prints the first line. It prints, in pages unless named BYTES:
 *
 *     page BYTES
 *     marks MIN LOW HIGH
 *     program NUMBER HEADER      the first 64 bytes of a PROGRAM, hexadecimal
 *     trial BYTES|pNUMBER GRANTED RECLAIMABLE COUNTED FREE_BLOCKS FREE_BLOCKS_AFTER
 *     end
 *
 * COUNTED: `pages free` of /proc/zoneinfo. FREE_BLOCKS: /proc/buddyinfo right before, and right after with the block still
 * held; GRANTED: 1 or 0. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "look.h"
#include "states.h"
#include "tell.h"

#define LEAST_ORDER 4 /* PAGE_ALLOC_COSTLY_ORDER + 1 */
#define TRIALS_PER_STATE 25
#define PROGRAMS_MAX 16

static char **programs;
static int program_count;
static int with_exec;
static struct board board;
static long trials;

extern char **environ;

static long draw_trial_bytes(void)
{
    int order = LEAST_ORDER + draw(2) * draw(5);
    long pages = (1L << (order - 1)) + 1 + draw(1 << (order - 1));

    return pages * board.page_bytes - draw(board.page_bytes);
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
    put(" ");
    put_number(before->counted_pages);
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
    if (address && (draw(6) || !hold(address, bytes)))
        munmap(address, bytes);
}

/* Not vfork(), whose child runs on the stack of its parent. fs/binfmt_flat.c of 2.6.30 ends the old program, and resumes
 * the parent, before it requests the memory of the new one; if that is refused, execve() returns in the child. */
static int start(void *program)
{
    char *arguments[] = {program, 0};

    execve(program, arguments, environ);
    _exit(127);
}

static int starts(char *program)
{
    static long stack[1024];
    int status;
    pid_t child = clone(start, stack + 1024, CLONE_VM | CLONE_VFORK | SIGCHLD, program);

    if (child < 0 || waitpid(child, &status, 0) != child)
        fail("clone");
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
    board.page_bytes = look_page_bytes();
    board.min_pages = marks.min;
    put("page ");
    put_number(board.page_bytes);
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
    give_some_back(draw(4));
    if (board.file_count && !draw(4))
        read_file();
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc - 4 > PROGRAMS_MAX)
        fail("usage: asker SEED TRIALS mmap|exec|cache [PROGRAM...]");
    trials = strtol(argv[2], 0, 10);
    with_exec = !strcmp(argv[3], "exec");
    programs = argv + 4;
    program_count = argc - 4;
    look_open();
    tell_constants();
    if (!strcmp(argv[3], "cache")) {
        board.files = programs;
        board.file_count = program_count;
    }
    states_open(strtoul(argv[1], 0, 10), &board);
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
