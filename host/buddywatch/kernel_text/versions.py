"""Which versions of Linux can have printed a text: by its wording, the fields in it, and the letters after blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from buddywatch.kernel_text.gfp import Span, Version, span_of_mode
from buddywatch.kernel_text.messages import linux24
from buddywatch.kernel_text.raw import Raw, RawZone

FIRST: Version = (2, 4, 0)
LAST: Version = (99, 0, 0)
LINUX_24: Span = ((2, 4, 0), (2, 4, 999))

# The versions that print each wording: read in mm/page_alloc.c, mm/oom_kill.c, mm/nommu.c, lib/dump_stack.c and
# fs/binfmt_flat.c of 2.6.30 to 7.2. Where the change is between two versions that were read, the wider span is given.
_SINCE: tuple[tuple[str, Version], ...] = (
    ("lowmem_reserve[]", (2, 6, 11)),
    ("invoked oom-killer", (2, 6, 18)),
    ("Active_anon:", (2, 6, 28)),
    ("isolated_anon:", (2, 6, 31)),
    ("or sacrifice child", (2, 6, 32)),
    ("page allocation failure: ", (3, 0, 0)),
    ("managed:", (3, 8, 0)),
    ("nommu: Allocation", (3, 11, 0)),
    (" free_pcp:", (4, 1, 0)),
    ("HighAtomic", (4, 4, 0)),
    ("binfmt_flat: ", (4, 5, 0)),
    ("(GFP_", (4, 6, 0)),
    ("writepending:", (4, 7, 0)),
    ("nodemask=", (4, 10, 0)),
    ("reserved_highatomic:", (4, 19, 0)),
    ("oom-kill:constraint=", (4, 19, 0)),
    ("boost:", (5, 0, 0)),
    ("sec_pagetables:", (5, 19, 0)),
)
_UNTIL: tuple[tuple[str, Version], ...] = (
    ("page allocation failure. ", (3, 0, 999)),
    (" freepages:", (2, 4, 999)),
    ("protections[]:", (2, 6, 11)),
    (" hot: low ", (2, 6, 20)),
    (": Hot: hi:", (2, 6, 24)),
    ("Active:", (2, 6, 27)),
    ("Active_anon:", (2, 6, 31)),
    ("oomkilladj=", (2, 6, 31)),
    (", type      Reserve", (4, 3, 999)),
    ("all_unreclaimable? no\nlowmem_reserve", (4, 7, 999)),
    ("or sacrifice child", (5, 2, 999)),
)
# mm/page_alloc.c show_migration_types(): the order of the letters is that of the lists. 4.4 dropped the reserve (R),
# added the list for atomic requests (H), and put movable (M) before reclaimable (E).
_LETTERS_SINCE = (("H", (4, 4, 0)), ("ME", (4, 4, 0)), ("U", (3, 7, 0)), ("M", (3, 7, 0)), ("E", (3, 7, 0)))
_LETTERS_UNTIL = (("R", (4, 3, 999)), ("EM", (4, 3, 999)))


def span_of(raw: Raw) -> Span:
    """The first and the last version that can have printed it; all versions if its signs contradict each other."""
    if any(message.kind == linux24.FAMILY for message in raw.messages):
        return LINUX_24
    since = [version for sign, version in _SINCE if sign in raw.text]
    until = [version for sign, version in _UNTIL if sign in raw.text]
    for letters in _letters(raw):
        since += [version for sign, version in _LETTERS_SINCE if sign in letters]
        until += [version for sign, version in _LETTERS_UNTIL if sign in letters]
    for first, last in _modes(raw):
        since.append(first)
        until.append(last)
    span = max(since, default=FIRST), min(until, default=LAST)
    return span if span[0] <= span[1] else (FIRST, LAST)


def words(span: Span) -> str:
    """ "Linux 3.7 to 4.3"; "" if it is any."""
    first, last = span
    if span == (FIRST, LAST):
        return ""
    if last == LAST:
        return f"Linux {_short(first)} or later"
    if _short(first) == _short(last):
        return f"Linux {_short(first)}"
    return f"Linux up to {_short(last)}" if first == FIRST else f"Linux {_short(first)} to {_short(last)}"


def _short(version: Version) -> str:
    numbers = version if version[:2] == (2, 6) else version[:2]
    return ".".join(str(number) for number in numbers)


def _letters(raw: Raw) -> set[str]:
    dumps = [message.dump for message in raw.messages if message.dump] + raw.dumps
    zones: Iterable[RawZone] = (zone for dump in dumps for zone in dump.zones.values())
    return {letters for zone in zones for letters in zone.letters if letters}


def _modes(raw: Raw) -> Iterator[Span]:
    for mode, names in {(message.mode, message.mode_names) for message in raw.messages}:
        span = span_of_mode(mode, names)
        if span:
            yield span
