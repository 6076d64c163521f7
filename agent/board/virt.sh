# Sourced by the image.sh of boards that are QEMU's virt.
# shellcheck shell=sh
. "$here/initramfs.sh"

ram_mb=16

# device_tree QEMU CPUS: QEMU's own, with less memory. QEMU has no room for its tree in less than 32 MB, and the kernel
# without MMU takes no size from its command line.
device_tree() {
    tree=$out/virt-$2.dtb
    "$1" -M "virt,dumpdtb=$tree.new" -m 32M -smp "$2" -bios none -display none &&
        fdtput -t x "$tree.new" /memory@80000000 reg 0 80000000 0 "$(printf %x $((ram_mb << 20)))" && mv "$tree.new" "$tree"
}
