# Sourced by build: what becomes of mcf5208's programs and kernels.
# shellcheck shell=sh

image_steps() {
    for form in $forms; do
        step "rom-$form" "ROM, $form" "$out/rom-$form.bin" rom "$form" -- "$here/rootfs" "$own/build-rom" "$own/devices" "$own/settings" $(programs_done "$form")
    done
    given_kernel
    kernel_steps
}

rom() { "$own/build-rom" "$1" "$board" "$out" "$rom_bytes" "$rom_romfs_offset"; }

# What the user gave for the kernel of which Debian has no source is looked at before anything is built.
check_given() {
    [ -z "${LINUX_2_6_30-}" ] || complaint=$("$here/kernel/check-source" "$LINUX_2_6_30" "$kernel_given" 2>&1) || die "LINUX_2_6_30: $complaint"
    [ -n "${LINUX_2_6_30-}" ] || [ -z "${KERNEL_2_6_30-}" ] ||
        complaint=$("$here/kernel/take-image" "$KERNEL_2_6_30" "$out/vmlinux-$kernel_given" "$kernel_given" 2>&1) || die "KERNEL_2_6_30: $complaint"
}

given_kernel() {
    if [ -n "${LINUX_2_6_30-}" ]; then
        step "kernel-$kernel_given" "kernel $kernel_given" "$out/vmlinux-$kernel_given" kernel "$kernel_given" "$LINUX_2_6_30" -- \
            $kernel_parts "$here/kernel/$kernel_given" "$LINUX_2_6_30/Makefile"
    elif [ -n "${KERNEL_2_6_30-}" ]; then
        say "kernel $kernel_given: taken from $KERNEL_2_6_30"
    elif [ -e "$out/vmlinux-$kernel_given" ]; then
        say "kernel $kernel_given: the one from before is kept"
    else
        say "kernel $kernel_given: left out, Debian has no source of it; get linux-2.6.30.tar.xz from kernel.org and run make board LINUX_2_6_30=/path/to/linux-2.6.30"
    fi
}
