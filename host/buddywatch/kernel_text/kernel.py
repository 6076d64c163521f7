"""Which kernel wrote a text: its allocation rule, whether it has an MMU, whether it can compact memory."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from buddyd import watermark

from buddywatch.kernel_text.raw import Message, Raw

SUPPORTED, NOT_COMPILED, IMPOSSIBLE, ABSENT = "supported", "not-compiled", "impossible", "absent"

_Version = tuple[int, int, int]
_FIRST: _Version = (2, 6, 0)
_LAST: _Version = (99, 0, 0)
# The version spans of buddyd.watermark.rule_for(), both ends included.
_SPANS: tuple[tuple[str, _Version, _Version], ...] = (
    ("old", _FIRST, (2, 6, 37)),
    ("off2", (2, 6, 38), (3, 2, 999)),
    ("old", (3, 3, 0), (4, 3, 999)),
    ("new", (4, 4, 0), _LAST),
)
# The versions that print each wording: read in mm/page_alloc.c, mm/nommu.c and fs/binfmt_flat.c of
# 2.6.30 to 7.2. Where the change is between two versions that were read, the wider span is given.
_SINCE: tuple[tuple[str, _Version], ...] = (
    ("page allocation failure: ", (3, 0, 0)),
    ("managed:", (3, 8, 0)),
    (" (U", (3, 7, 0)),
    (" (M", (3, 7, 0)),
    ("nommu: Allocation", (3, 11, 0)),
    (" free_pcp:", (4, 1, 0)),
    ("(GFP_", (4, 6, 0)),
    ("binfmt_flat: ", (4, 5, 0)),
    ("nodemask=", (4, 10, 0)),
    ("reserved_highatomic:", (4, 19, 0)),
    ("HighAtomic", (4, 4, 0)),
)
_UNTIL: tuple[tuple[str, _Version], ...] = (
    ("page allocation failure. ", (3, 0, 999)),
    ("Active_anon:", (2, 6, 31)),
    (", type      Reserve", (4, 3, 999)),
    ("all_unreclaimable? no\nlowmem_reserve", (4, 7, 999)),
)


@dataclass(frozen=True)
class Kernel:
    """rules: the rules that the kernel may have; a single one if it is certain. None or "": unknown.

    compaction: SUPPORTED, NOT_COMPILED, IMPOSSIBLE (no MMU), ABSENT (before 2.6.35) or None.
    """

    release: str | None
    rules: tuple[str, ...]
    no_mmu: bool | None
    compaction: str | None
    trim_pages: int | None = None
    inferred: bool = False


def version_of(release: str | None) -> _Version | None:
    """(2, 6, 30) for "2.6.30-uc0"; None if it is no release."""
    numbers = []
    for part in (release or "").replace("-", ".").split(".")[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits[:6]))
    return (numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0) if len(numbers) > 1 else None


class KernelsOfText:
    """The kernel at each place in a text: dumps name it, and a reboot may change it."""

    def __init__(self, raw: Raw, given_release: str | None) -> None:
        self._raw = raw
        self._given = given_release
        found = raw.releases or raw.prose_releases
        self._offsets = [offset for offset, _ in found]
        self._releases = [release for _, release in found]
        self._no_mmu = _has_no_mmu(raw)
        self._spans_rules: tuple[str, ...] | None = None
        self._known: dict[str | None, Kernel] = {}

    def at(self, offset: int, end: int) -> Kernel:
        """The kernel at offset: the first release named between there and end, else the last before, else any."""
        release = self._given or self._release_at(offset, end)
        if release not in self._known:
            self._known[release] = self._kernel(release)
        return self._known[release]

    def of_message(self, message: Message, following: int) -> Kernel:
        kernel = self.at(message.offset, following)
        if kernel.no_mmu or message.kind not in ("alloc", "vma"):
            return kernel
        return self._kernel(kernel.release, no_mmu=True)  # mm/nommu.c alone prints these

    def _release_at(self, offset: int, end: int) -> str | None:
        if not self._releases:
            return None
        index = bisect_right(self._offsets, offset)
        if index < len(self._offsets) and self._offsets[index] < end:
            return self._releases[index]
        return self._releases[max(index - 1, 0)]

    def _kernel(self, release: str | None, no_mmu: bool | None = None) -> Kernel:
        shift = self._raw.sysctls.get("min_free_order_shift")
        rule = watermark.rule_for(release or "", shift)
        if self._spans_rules is None and rule is None:
            self._spans_rules = _rules_by_format(self._raw.text)
        no_mmu = self._no_mmu if no_mmu is None else no_mmu
        return Kernel(
            release=release,
            rules=(rule,) if rule else (self._spans_rules or ()),
            no_mmu=no_mmu,
            compaction=_compaction(no_mmu, version_of(release), self._raw.signs),
            trim_pages=self._raw.sysctls.get("nr_trim_pages"),
            inferred=rule is None,
        )


def _has_no_mmu(raw: Raw) -> bool | None:
    """True if the text has something that exists only without an MMU: nr_trim_pages, MmapCopy, mm/nommu.c messages."""
    if any({"alloc", "vma"} & set(message.kinds) for message in raw.messages):
        return True
    if "nr_trim_pages" in raw.sysctls or any("MmapCopy" in values for _, values in raw.meminfo):
        return True
    if "uclinux" in raw.signs:
        return True
    return False if raw.signs & {"compaction", "x86"} else None


def _compaction(no_mmu: bool | None, version: _Version | None, signs: set[str]) -> str | None:
    if no_mmu:
        return IMPOSSIBLE  # mm/Kconfig: depends on MMU, in every version
    if version and version < (2, 6, 35):
        return ABSENT
    if "compaction" in signs:
        return SUPPORTED
    return NOT_COMPILED if "no-compaction" in signs else None


def _rules_by_format(text: str) -> tuple[str, ...]:
    """The rules that fit the wording of the kernel's messages; () if the wording decides nothing."""
    since = max((version for sign, version in _SINCE if sign in text), default=_FIRST)
    until = min((version for sign, version in _UNTIL if sign in text), default=_LAST)
    if (since, until) == (_FIRST, _LAST) or since > until:
        return ("old", "off2", "new")
    return tuple(dict.fromkeys(rule for rule, first, last in _SPANS if first <= until and last >= since))
