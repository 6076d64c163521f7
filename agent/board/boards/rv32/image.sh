# Sourced by build: what becomes of rv32's programs and kernel.
# shellcheck shell=sh
. "$here/virt.sh"

image_steps() {
    initramfs_steps
    step device-tree "device tree" "$out/virt-1.dtb" device_tree qemu-system-riscv32 1 -- "$here/virt.sh"
}
