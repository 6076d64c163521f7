#include "look.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tell.h"

struct source {
    int descriptor;
    long length;
    char text[4096];
};

static struct source buddyinfo, meminfo, zoneinfo;
static long page_bytes;

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

/* The first zone, as a board has one with memory: DMA on a ColdFire, DMA32 on 64-bit RISC-V, Normal on ARM. */
static void read_blocks(struct state *state)
{
    const char *text = strstr(read_source(&buddyinfo), "zone");
    char *next;

    if (!text)
        fail("no zone");
    text += strlen("zone");
    text += strspn(text, " ");
    text += strcspn(text, " ");
    for (state->orders = 0; state->orders < ORDERS_MAX; state->orders++, text = next) {
        while (*text == ' ')
            text++;
        if (*text < '0' || *text > '9')
            break;
        state->blocks[state->orders] = strtol(text, &next, 10);
    }
}

/* The page size: the free memory that the kernel reports in kB, divided by the free pages. */
static long measured_page_bytes(void)
{
    struct state state;
    long bytes, free_bytes;

    read_blocks(&state);
    free_bytes = number_after(read_source(&meminfo), "MemFree:") * 1024;
    for (bytes = 4096; free_bytes > pages_from(&state, 0) * bytes * 3 / 2; bytes *= 2)
        ;
    return bytes;
}

void look_open(void)
{
    open_source(&buddyinfo, "/proc/buddyinfo");
    open_source(&meminfo, "/proc/meminfo");
    open_source(&zoneinfo, "/proc/zoneinfo");
    page_bytes = measured_page_bytes();
}

void look(struct state *state)
{
    const char *text = read_source(&meminfo);
    long kilobytes = number_after(text, "Active(file):") + number_after(text, "Inactive(file):") +
                     number_after(text, "SReclaimable:");

    state->reclaimable_pages = kilobytes * 1024 / page_bytes;
    state->counted_pages = number_after(read_source(&zoneinfo), "pages free");
    read_blocks(state);
}

void look_marks(struct marks *marks)
{
    const char *text = strstr(read_source(&zoneinfo), "pages free");

    if (!text)
        fail("no marks");
    marks->min = number_after(text, " min ");
    marks->low = number_after(text, " low ");
    marks->high = number_after(text, " high ");
}

long look_page_bytes(void)
{
    return page_bytes;
}

long pages_from(const struct state *state, int order)
{
    long pages = 0;

    for (; order < state->orders; order++)
        pages += state->blocks[order] << order;
    return pages;
}
