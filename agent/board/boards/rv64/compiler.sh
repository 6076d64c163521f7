# Sourced: how to compile and link for 64-bit RISC-V.
# shellcheck shell=sh disable=SC2034
cross=riscv64-linux-gnu-
forms=flat
musl_target=riscv64-linux-gnu
kernel_headers=/usr/riscv64-linux-gnu/include
flat_parts=$here_common/flat
flat_link=$pie

form_flags() { echo "-fPIE -mcmodel=medany"; }

libgcc() { cp "$("${cross}gcc" -print-libgcc-file-name)" "$3"; }

busybox_arch=riscv
# Bytes of the programs' stacks: a call takes more than on a ColdFire.
shell_stack_bytes=16384
rm_stack_bytes=53248
buddyd_stack_bytes=32768
