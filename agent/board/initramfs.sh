# Sourced by the image.sh of boards whose root file system is in the kernel's image.
# shellcheck shell=sh

check_given() { :; }

initramfs() { "$here/rootfs/build-initramfs" "$board" "$out" "$(source_folder linux)" "$KERNEL_INITRAMFS"; }

initramfs_steps() {
    KERNEL_INITRAMFS=$board/initramfs.cpio && export KERNEL_INITRAMFS
    step initramfs "root file system" "$KERNEL_INITRAMFS $out/busybox.flat" initramfs -- "$here/rootfs" "$own/settings" $(programs_done flat)
    kernel_steps "$board/done/initramfs"
}
