/* What libgcc2.c expects of gcc's own configuration, for a 32-bit ColdFire with 64-bit long double. */
#define BITS_PER_UNIT 8
#define BITS_PER_WORD 32
#define UNITS_PER_WORD 4
#define MIN_UNITS_PER_WORD 4
#define LIBGCC2_UNITS_PER_WORD 4
#define LONG_LONG_TYPE_SIZE 64
#define LIBGCC2_LONG_DOUBLE_TYPE_SIZE 64
#define FLT_HAS_INFINITY 1
