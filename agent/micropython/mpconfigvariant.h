// MicroPython's unix port for a small heap with buddyd frozen in: the standard variant, and what saves heap. The figures
// were measured on x86-64 with MicroPython 1.25.

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

// On 64 bit a block has 32 bytes, and most of the agent's objects fill theirs badly: 2 kB less.
#define MICROPY_BYTES_PER_GC_BLOCK (16)

// Nothing asks a frozen module for its file's name: 0.5 kB less.
#define MICROPY_PY___FILE__ (0)

#include "variants/mpconfigvariant_common.h"

// SIGINT waits for the end of a garbage collection. Taken in the middle of one, it ended the agent with a MemoryError.
#undef MICROPY_ASYNC_KBD_INTR
#define MICROPY_ASYNC_KBD_INTR (0)
