// The common settings of both interpreters for the board: the one with buddyd, and the one for the agent's tests.

// m68k aligns to 2 bytes, but MicroPython distinguishes pointers from small numbers by the lowest 2 bits.
#define MICROPY_OBJ_BASE_ALIGNMENT __attribute__((aligned(4)))

// Integers of any size, as on a PC. (64-bit ones would save 8 kB of text, but with them MicroPython 1.25 reads past the
// end of what it takes a number from, and loses the sign.)
#define MICROPY_LONGINT_IMPL (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL (MICROPY_FLOAT_IMPL_NONE)

// --- memory ---
#define MICROPY_GC_ALLOC_THRESHOLD (1)
#define MICROPY_QSTR_BYTES_IN_HASH (1)
// Otherwise a table of addresses takes 1 kB of RAM.
#define MICROPY_OPT_COMPUTED_GOTO (0)
#define MICROPY_ENABLE_EXTERNAL_IMPORT (1)
#define MICROPY_PY_SYS_PATH_DEFAULT ".frozen"
#define MICROPY_PY_SYS_PATH (1)
#define MICROPY_ENABLE_SOURCE_LINE (1)
#define MICROPY_CPYTHON_COMPAT (1)
#define MICROPY_FULL_CHECKS (1)
#define MICROPY_ALLOC_PATH_MAX (256)
#define MICROPY_STACK_CHECK (1)
#define MICROPY_MULTIPLE_INHERITANCE (0)
#define MICROPY_MODULE_GETATTR (0)
#define MICROPY_GCREGS_SETJMP (1)

// --- the language ---
#define MICROPY_PY_BUILTINS_BYTEARRAY (1)
#define MICROPY_PY_BUILTINS_MEMORYVIEW (1)
#define MICROPY_PY_BUILTINS_SLICE (1)
#define MICROPY_PY_ARRAY (1)
#define MICROPY_PY_ARRAY_SLICE_ASSIGN (1)
#define MICROPY_PY_BUILTINS_STR_OP_MODULO (1)
#define MICROPY_PY_BUILTINS_STR_PARTITION (1)
#define MICROPY_PY_BUILTINS_STR_COUNT (1)
#define MICROPY_PY_BUILTINS_STR_UNICODE (1)
#define MICROPY_PY_BUILTINS_MIN_MAX (1)
#define MICROPY_PY_ATTRTUPLE (1)
#define MICROPY_PY_ASSIGN_EXPR (1)
#define MICROPY_PY_ASYNC_AWAIT (0)
#define MICROPY_PY_GENERATOR_PEND_THROW (0)
#define MICROPY_KBD_EXCEPTION (1)
// A signal that arrives during a garbage collection is handled after it.
#define MICROPY_ASYNC_KBD_INTR (0)
#define MICROPY_ENABLE_SCHEDULER (1)

// --- modules ---
#define MICROPY_PY_SYS (1)
#define MICROPY_PY_SYS_MODULES (1)
#define MICROPY_PY_SYS_ARGV (1)
#define MICROPY_PY_SYS_EXIT (1)
#define MICROPY_PY_SYS_STDFILES (1)
#define MICROPY_PY_SYS_ATTR_DELEGATION (1)
#define MICROPY_MODULE_ATTR_DELEGATION (1)
#define MICROPY_PY_SYS_EXECUTABLE (0)
#define MICROPY_PY_GC (1)
#define MICROPY_PY_MICROPYTHON (1)
#define MICROPY_PY_OS (1)
#define MICROPY_PY_OS_INCLUDEFILE "ports/unix/modos.c"
#define MICROPY_PY_OS_URANDOM (1)
#define MICROPY_PY_OS_ERRNO (1)
#define MICROPY_PY_TIME (1)
// Only ticks, not the unix port's own part: dates would add the C library's time zones, 5 kB.
#define MICROPY_PY_SELECT (1)
#define MICROPY_PY_SELECT_POSIX_OPTIMISATIONS (1)
#define MICROPY_PY_SELECT_SELECT (0)
#define MICROPY_PY_BINASCII (1)
#define MICROPY_PY_BINASCII_CRC32 (1)
#define MICROPY_PY_HASHLIB (1)
#define MICROPY_PY_HASHLIB_SHA256 (1)
#define MICROPY_PY_IO (1)
#define MICROPY_STREAMS_NON_BLOCK (1)
#define MICROPY_STREAMS_POSIX_API (1)
