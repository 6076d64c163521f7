# Sourced by all that compiles for a board, $BOARD (default mcf5208); $here_common: the folder with build.
# shellcheck shell=sh disable=SC2034
#
# A board's compiler.sh sets
#   cross           of the names of its compiler and its binutils; linker, if it is not that of this name
#   forms           of program: flat (bFLT), and elf where its kernels can load that
#   musl_target     configure's name for its processor; kernel_headers: the folder of linux-libc-dev-*-cross
#   flat_parts      the folder with flat.ld, start.c and elf2flat.py; flat_link: the linker's flags
#   form_flags FORM            prints the compiler's flags
#   libgcc GCC FORM LIBRARY    makes gcc's run-time library; GCC: the folder with gcc's source, where sources has it
#   busybox_arch, shell_stack_bytes, rm_stack_bytes, buddyd_stack_bytes
here_board=$here_common/boards/${BOARD:-mcf5208}
# flat_link of a program that is position-independent as a whole.
pie="-Wl,-Bstatic,-pie,-Bsymbolic,--no-dynamic-linker,-z,text,--gc-sections,--version-script=$here_common/toolchain/no-exports.map"
. "$here_board/compiler.sh"
cross_gcc=${cross}gcc
linker=${linker-${cross}ld}
