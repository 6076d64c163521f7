# Sourced by build: the sources that a board is made from, as Debian has them, and copies of them with patches.
# shellcheck shell=sh

# The board's own sources come last.
obtain_sources() {
    cat "$here/sources" "$own/sources" 2>/dev/null | while read -r name suite package version; do
        case $name in "" | "#"*) continue ;; esac
        folder=$(source_folder "$name")
        if [ ! -d "$folder" ]; then
            command -v apt-get >/dev/null || die "no apt-get to fetch $package $version with; unpack it as $folder"
            obtain "$name" "$suite" "$package" || die "$package of Debian $suite cannot be had ($(reason "$work/log" || echo "apt knows no such package"))"
        fi
        found=$(version_of "$folder")
        [ "$found" = "$version" ] || say "$package is $found here; this folder was made with $version"
        echo "$found" >"$board/done/source-$name"
        echo "$package $found"
    done >"$board/versions" || exit 1
}

obtain() {
    case $1 in
    linux) fetch_archive "$2" "$3" 'linux-source-*.tar.xz' "$(source_folder "$1")" "138 MB" ;;
    gcc) fetch_archive "$2" "$3" 'gcc-*/gcc-*.tar.xz' "$(source_folder "$1")" "83 MB" '*/libgcc/*' '*/include/longlong.h' ;;
    *) fetch_source "$3" "$(source_folder "$1")" "10 MB at most" ;;
    esac
}

# A source package says it in its changelog, an archive of a binary package beside it.
version_of() {
    cat "$1.version" 2>/dev/null || sed -n '1s/.*(\(.*\)).*/\1/p' "$1/debian/changelog" 2>/dev/null | grep . || echo unknown
}

# The two that scripts/ use as well lie where those look for them.
source_folder() {
    case $1 in
    micropython) echo "$micropython_source" ;;
    busybox) echo "$cache/busybox-source" ;;
    *) echo "$shared/source/$1" ;;
    esac
}

# patched NAME: a copy of the source with the patches for all boards and for this one applied.
patched() {
    copy=$board/patched/$1
    rm -rf "$copy"
    mkdir -p "$board/patched" && cp -a "$(source_folder "$1")" "$copy" || return 1
    for patch in "$here/patches/$1"/*.patch "$own/patches/$1"/*.patch; do
        [ -e "$patch" ] || continue
        echo "$patch"
        patch -d "$copy" -p1 --fuzz=0 --no-backup-if-mismatch <"$patch" || return 1
    done
}
