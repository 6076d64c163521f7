# Sourced by get-micropython, build-frozen, build-hush and agent/board/build: messages, the cache, apt without root, and source trees.
# Nothing here changes the machine: apt keeps all its files in $work, a folder of this run that is deleted at its end.
# shellcheck shell=sh

say() { echo "${0##*/}: $*" >&2; }
die() { say "$*"; exit 1; }

user_cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
cache=${BUDDYWATCH_CACHE:-${user_cache:-/var/cache}/buddywatch}
micropython_source=$cache/micropython-source

make_work() {
    # shellcheck disable=SC1091
    ID=; [ ! -r /etc/os-release ] || . /etc/os-release
    mkdir -p "$cache" 2>/dev/null && work=$(mktemp -d "$cache/new.XXXXXX" 2>/dev/null) || die "cannot write to $cache; set BUDDYWATCH_CACHE to a folder that can be written"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
}

# apt_conf MACHINE|OWN [SOURCES]: apt's configuration for this run, read after the machine's own (proxies and certificates stay in force).
# MACHINE reads the package lists as the machine has them, OWN keeps separate ones; SOURCES replaces the machine's list of sources.
apt_conf() {
    cat <<END
Dir::Cache "$work/cache";
Dir::State::status "$work/status";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Debug::NoLocking "true";
Acquire::Languages "none";
Acquire::Retries "2";
APT::Sandbox::User "root";
#clear APT::Default-Release;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
    [ "$1" = MACHINE ] || echo "Dir::State::Lists \"$work/lists\";"
    [ $# -lt 2 ] || printf 'Dir::Etc::SourceList "%s";\nDir::Etc::SourceParts "/dev/null";\n' "$2"
}

apt() { tool=$1; shift; "apt-$tool" -q -q -c "$work/apt.conf" "$@" >>"$work/log" 2>&1; }

# Some other mirror among the machine's sources may fail; whether `micropython` was found is what counts.
update() { apt get update || true; }

start_over() {
    find "$work" -mindepth 1 ! -name log -delete
    mkdir -p "$work/debs" "$work/lists/partial" "$work/cache/archives/partial"
    : >"$work/status"
}

# suite_sources SUITE deb|deb-src: lines of sources for a suite of Debian, on the mirrors from which this machine has its own release. They are asked
# of `update --print-uris`, which fetches nothing and knows them even when no package list was ever fetched (`indextargets` does not).
suite_sources() {
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -e "$keyring" ] && option="[signed-by=$keyring] " || option=
    apt-get -o Debug::NoLocking=true update --print-uris 2>>"$work/log" |
        sed -n "s,^'\(.*\)/dists/\(${VERSION_CODENAME:-stable}\|stable\|oldstable\)/main/binary-.*,$2 $option\1 $1 main,p" | sort -u
}

# lists_of SUITE deb|deb-src MESSAGE: what a suite of Debian has, whichever release this machine runs.
lists_of() {
    start_over
    suite_sources "$1" "$2" >"$work/sources.list"
    [ -s "$work/sources.list" ] || return 1
    say "$3"
    apt_conf OWN "$work/sources.list" >"$work/apt.conf"
    update
}

# fetch_source PACKAGE FOLDER SIZE: puts the source tree of Debian 13's package into FOLDER, unless it is there. Of two runs at once the first to
# rename wins.
fetch_source() {
    [ ! -d "$2" ] || return 0
    lists_of trixie deb-src "fetching the source package $1 from Debian 13 (about $3, once) ..." || return 1
    mkdir "$work/source" && (cd "$work/source" && apt get source "$1") || return 1
    mv -T "$work/source/$1"-*/ "$2" 2>/dev/null || [ -d "$2" ]
}

# fetch_archive SUITE PACKAGE PATTERN FOLDER SIZE [MEMBER...]: unpacks the archive usr/src/PATTERN of a binary package, which holds one folder, as
# FOLDER; of the archive only the MEMBERs, tar's patterns, if any are given. FOLDER.version tells the package's version.
fetch_archive() {
    suite=$1 package=$2 pattern=$3 folder=$4 size=$5
    shift 5
    [ ! -d "$folder" ] || return 0
    lists_of "$suite" deb "fetching the package $package from Debian ($suite; about $size, once) ..." || return 1
    (cd "$work/debs" && apt get download "$package") || return 1
    mkdir "$work/package" "$work/archive" && dpkg-deb -x "$work/debs/$package"_*.deb "$work/package" || return 1
    say "unpacking $package ..."
    # shellcheck disable=SC2086  # a pattern
    tar -C "$work/archive" -xf "$work"/package/usr/src/$pattern --wildcards "$@" 2>>"$work/log" || return 1
    dpkg-deb -f "$work/debs/$package"_*.deb Version >"$folder.version"
    mv -T "$work"/archive/*/ "$folder" 2>/dev/null || [ -d "$folder" ]
}

fetch_micropython_source() { fetch_source micropython "$micropython_source" "16 MB"; }

# compile_micropython BUILD VARIABLE=VALUE...: the unix port, into the folder BUILD. Without SSL and btree: Debian's source package lacks the
# libraries that upstream bundles for them. CWARN: a warning that only a newer compiler gives must not stop the build.
compile_micropython() {
    build=$1; shift
    make -C "$micropython_source/ports/unix" -j"$(nproc)" BUILD="$build" CWARN=-Wall \
        MICROPY_PY_SSL=0 MICROPY_SSL_MBEDTLS=0 MICROPY_PY_BTREE=0 MICROPY_PY_JNI=0 "$@"
}

# reason LOG: what stopped apt, dpkg, tar or the compiler, by their log; fails if it does not say. A full disk and a server that is not reached come first:
# after these apt complains about a package that it does not know, or about nothing.
reason() {
    if grep -qE 'No space left|Wrote only|Disk quota' "$1" || [ "$(df -Pk "$1" | awk 'NR == 2 { print $4 }')" -lt 1024 ]; then
        echo "no space left in $cache"
    else
        grep -m 1 -o 'Failed to fetch .*' "$1" || last_complaint "$1"
    fi
}

last_complaint() { grep -E '^[EW]:|[Ee]rror' "$1" | grep -Ev '^make|No packages found|Some index files|You must put some' | tail -n 1 | grep .; }
