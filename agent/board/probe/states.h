/* States of fragmentation, made by many blocks that are asked for, held and given back. */

#include <stdint.h>

struct board {
    long page_bytes, min_pages;
    char **files; /* to be read into the page cache; */
    int file_count; /* 0: the page cache is kept empty */
};

/* To be called once. The same seed gives the same draws. */
void states_open(uint32_t seed, const struct board *of_board);

/* 0 to below - 1. */
uint32_t draw(uint32_t below);

/* By anonymous mmap; 0 where the kernel refuses. */
char *ask(long bytes);

/* Whether this many pages are so sure to be granted, by any rule, that the OOM killer is not called. */
int is_safe(long pages);

/* Makes a block a part of the state; 0 where there is no room for one more. */
int hold(char *address, long bytes);

void make_state(int round);
void give_some_back(int count);
void give_back_all(void);

/* Reads one of the files into the page cache, as far as that is safe. */
void read_file(void);
