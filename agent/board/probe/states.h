/* Makes states of fragmentation: requests many blocks, holds them, and gives some back. */

#include <stdint.h>

struct board {
    long page_bytes, min_pages;
    char **files; /* to be read into the page cache; */
    int file_count; /* 0: the page cache is kept empty */
};

/* Call it once. The same seed gives the same random numbers. */
void states_open(uint32_t seed, const struct board *of_board);

/* A random number from 0 to below - 1. */
uint32_t draw(uint32_t below);

/* Takes a block by anonymous mmap; 0 if the kernel refuses. */
char *ask(long bytes);

/* True if every rule grants this many pages for sure, so that the OOM killer is not called. */
int is_safe(long pages);

/* Adds a block to the state; 0 if there is no room for one more. */
int hold(char *address, long bytes);

void make_state(int round);
void give_some_back(int count);
void give_back_all(void);

/* Reads one of the files into the page cache, as far as that is safe. */
void read_file(void);
