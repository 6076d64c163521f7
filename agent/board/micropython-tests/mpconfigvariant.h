// What the agent's tests need on top of what the agent needs: a compiler, and what the tests themselves are written with.

#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_MINIMUM)
#include "../micropython/board.h"

#define MICROPY_ENABLE_COMPILER (1)
#define MICROPY_COMP_CONST (1)
#define MICROPY_COMP_CONST_FOLDING (1)
#define MICROPY_COMP_CONST_LITERAL (1)
#define MICROPY_COMP_CONST_TUPLE (1)
#define MICROPY_COMP_DOUBLE_TUPLE_ASSIGN (1)
#define MICROPY_HELPER_REPL (1)
#define MICROPY_PY_JSON (1)
#define MICROPY_PY_BUILTINS_SET (1)
#define MICROPY_PY_STRUCT (1)
#define MICROPY_PY___FILE__ (1)
#define MICROPY_ERROR_REPORTING (MICROPY_ERROR_REPORTING_DETAILED)
#define MICROPY_PY_OS_GETENV_PUTENV_UNSETENV (1)
#define MICROPY_PY_BUILTINS_BYTES_HEX (1)
#define MICROPY_PY_OS_SYSTEM (1)
