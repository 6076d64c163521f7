/* Reads the kernel's figures about its memory without allocating any. Numbers are pages. */

#define ORDERS_MAX 16

struct state {
    int orders;
    long blocks[ORDERS_MAX]; /* free ones, by order */
    long reclaimable_pages;
    long counted_pages; /* free ones by the kernel's count: on SMP kernels not quite those in blocks */
};

struct marks {
    long min, low, high;
};

/* Opens the files; call it once, before everything else. */
void look_open(void);

/* The free blocks are read last, so that our own reads do not change them before the request that follows. */
void look(struct state *state);

void look_marks(struct marks *marks);

long look_page_bytes(void);

/* Pages in free blocks of an order and larger. */
long pages_from(const struct state *state, int order);
