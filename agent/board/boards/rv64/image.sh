# Sourced by build: what becomes of rv64's programs and kernel.
# shellcheck shell=sh
. "$here/virt.sh"

image_steps() {
    initramfs_steps
    step device-trees "device trees" "$out/virt-1.dtb $out/virt-2.dtb" device_trees_of_rv64 -- "$here/virt.sh" "$own/image.sh"
}

device_trees_of_rv64() { device_tree qemu-system-riscv64 1 && device_tree qemu-system-riscv64 2; }
