# Sourced by build: steps that are run again only when one of their inputs has changed.
# shellcheck shell=sh

# step NAME TITLE RESULTS COMMAND [ARGUMENT...] -- INPUT...
# INPUT: a file, or a folder with all its files; a file of an earlier step in $board/done stands for all inputs of that
# step. RESULTS: files (words) that must be as the step made them, or it is run again: $board serves builds into several
# folders, and a kernel's image may be taken from elsewhere in between. COMMAND's output goes into a log.
step() {
    step_name=$1 title=$2 results=$3
    shift 3
    words=
    while [ "$1" != -- ]; do
        words="$words $1"
        shift
    done
    shift
    now=$(step_inputs "$words" "$@" | cksum)
    [ -z "$results" ] || [ "$(sums_of $results)" = "$(cat "$board/done/$step_name.results" 2>/dev/null)" ] || rm -f "$board/done/$step_name"
    if [ "$now" = "$(cat "$board/done/$step_name" 2>/dev/null)" ]; then
        say "$title: nothing to do"
        return
    fi
    rm -f "$board/done/$step_name"
    began=$(date +%s)
    log=$board/log/$step_name
    # shellcheck disable=SC2086  # words
    (set -e; $words) >"$log" 2>&1 9>&- || die "$title: failed ($(reason "$log" || echo "no reason given")); see $log"
    for result in $results; do
        [ -e "$result" ] || die "$title: made no $result; see $log"
    done
    [ -z "$results" ] || sums_of $results >"$board/done/$step_name.results"
    echo "$now" >"$board/done/$step_name"
    say "$title: done in $(($(date +%s) - began)) s"
}

sums_of() { cat "$@" 2>/dev/null | cksum; }

# Contents, not times: a fresh clone has new times.
step_inputs() {
    echo "$1"
    shift
    for input in "$@"; do
        if [ -d "$input" ]; then
            (cd "$input" && find . -type f ! -name '*.pyc' | LC_ALL=C sort | xargs cksum)
        else
            cksum <"$input"
        fi
    done
    "$cross_gcc" --version
}
