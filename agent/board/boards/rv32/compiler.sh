# Sourced: how to compile and link for 32-bit RISC-V without floating point, as a Hazard3 is: by the compiler for 64 bits,
# whose package has no library for 32.
# shellcheck shell=sh disable=SC2034
. "$here_common/boards/rv64/compiler.sh"
musl_target=riscv32-linux-gnu
linker="${cross}ld -melf32lriscv"
flat_link="-Wl,-melf32lriscv $pie"

form_flags() { echo "-march=rv32imac_zicsr_zifencei -mabi=ilp32 -fPIE -mcmodel=medany"; }

libgcc() { cp "$(riscv64-unknown-elf-gcc -march=rv32imac -mabi=ilp32 -print-libgcc-file-name)" "$3"; }

buddyd_stack_bytes=24576
