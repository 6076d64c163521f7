// An interpreter with what buddyd uses, and nothing else: no compiler, no prompt, no floating point. The least of
// MicroPython's levels, and what is needed on top of it. A test runs the agent's own tests with what is set here.

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_MINIMUM)
#include "board.h"

// Nothing is compiled on the board; the agent's modules are part of the program.
#define MICROPY_ENABLE_COMPILER (0)
#define MICROPY_PERSISTENT_CODE_LOAD (0)

// Nobody sees the text of an error that the agent catches, and nobody asks a frozen module for its file's name.
#define MICROPY_ERROR_REPORTING (MICROPY_ERROR_REPORTING_TERSE)
#define MICROPY_PY___FILE__ (0)
