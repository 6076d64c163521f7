# Sourced: the two forms of program that this board runs, and how to compile and link for each.
# shellcheck shell=sh disable=SC2034
#
# elf   a static position-independent executable, which the kernel's FDPIC loader takes: one block of memory for text
#       and data, another for the stack.
# flat  bFLT, the format of uClinux. Text and data are apart (-msep-data: all data is reached through %a5), so that the
#       text stays where it is in the ROM, and memory is needed for data and stack only, in one block.
cross=m68k-linux-gnu-
forms="flat elf"
musl_target=m68k-linux-gnu
kernel_headers=/usr/m68k-linux-gnu/include
flat_parts=$here_board/flat
flat_link="-static -Wl,--emit-relocs,--gc-sections"

form_flags() {
    case $1 in
    elf) echo "-mcpu=5208 -fPIE" ;;
    flat) echo "-mcpu=5208 -fPIC -msep-data" ;;
    *) echo "unknown form: $1" >&2; return 1 ;;
    esac
}

# Debian's m68k gcc generates right code with -mcpu=5208, but its libgcc.a has instructions that a ColdFire lacks.
libgcc() { "$here_board/libgcc/build" "$1" "$2" "$3"; }

busybox_arch=m68k
# Bytes of the programs' stacks. rm's makes its start take the 60 kB of the README's story.
shell_stack_bytes=8192
rm_stack_bytes=53248
buddyd_stack_bytes=24576
