# Sourced: the two forms of program that the board runs, and how to compile for each.
# shellcheck shell=sh
#
# elf   a static position-independent executable, which the kernel's FDPIC loader takes: one block of memory for text
#       and data, another for the stack.
# flat  bFLT, the format of uClinux. Text and data are apart (-msep-data: all data is reached through %a5), so that the
#       text stays where it is in the ROM, and memory is needed for data and stack only, in one block.
cross=m68k-linux-gnu-
cross_gcc=${cross}gcc

form_flags() {
    case $1 in
    elf) echo "-mcpu=5208 -fPIE" ;;
    flat) echo "-mcpu=5208 -fPIC -msep-data" ;;
    *) echo "unknown form: $1" >&2; return 1 ;;
    esac
}
