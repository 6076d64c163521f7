"""Which kernel wrote a text: its allocation rule, whether it has an MMU, whether it can compact memory."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from buddyd import watermark

from buddywatch.kernel_text import versions
from buddywatch.kernel_text.gfp import Span, Version
from buddywatch.kernel_text.raw import Message, Raw

SUPPORTED, NOT_COMPILED, IMPOSSIBLE, ABSENT = "supported", "not-compiled", "impossible", "absent"

# __alloc_pages() of mm/page_alloc.c to 2.6.10: 2^n + mark + protection pages in total, and a block that is large
# enough; zone_watermark_ok(), which looks at every order, came with 2.6.11. No board has such a kernel.
EARLY = "early"
_EARLY_LAST = (2, 6, 10)
# The version spans of buddyd.watermark.rule_for(), both ends included.
_SPANS: tuple[tuple[str, Version, Version], ...] = (
    (EARLY, (2, 6, 0), (2, 6, 10)),
    ("old", (2, 6, 11), (2, 6, 37)),
    ("off2", (2, 6, 38), (3, 2, 999)),
    ("old", (3, 3, 0), (4, 3, 999)),
    ("new", (4, 4, 0), versions.LAST),
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
    span: Span = (versions.FIRST, versions.LAST)  # the versions that it may have

    @property
    def has_other_rule(self) -> bool:
        """True for 2.4, which had no reserve for each block size."""
        return self.span[1] < (2, 6, 0)


def version_of(release: str | None) -> Version | None:
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
        self._span: Span | None = None
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
        version = version_of(release)
        if self._span is None and version is None:
            self._span = versions.span_of(self._raw)
        span = (version, version) if version else self._span or (versions.FIRST, versions.LAST)
        no_mmu = self._no_mmu if no_mmu is None else no_mmu
        return Kernel(
            release=release,
            rules=_rules_of(release, version, rule) if rule else _rules_in(span),
            no_mmu=no_mmu,
            compaction=_compaction(no_mmu, span[1], self._raw.signs),
            trim_pages=self._raw.sysctls.get("nr_trim_pages"),
            inferred=rule is None,
            span=span,
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


def _compaction(no_mmu: bool | None, newest: Version, signs: set[str]) -> str | None:
    """newest: the newest version that the kernel can be."""
    if no_mmu:
        return IMPOSSIBLE  # mm/Kconfig: depends on MMU, in every version
    if newest < (2, 6, 35):
        return ABSENT
    if "compaction" in signs:
        return SUPPORTED
    return NOT_COMPILED if "no-compaction" in signs else None


def _rules_of(release: str | None, version: Version | None, rule: str) -> tuple[str, ...]:
    """The rule, or the two that a vendor's 2.6.9 may have: Red Hat took much of 2.6.11 and later into its own."""
    if version is None or version[:2] != (2, 6) or version > _EARLY_LAST:
        return (rule,)
    return (EARLY, rule) if "EL" in (release or "") else (EARLY,)


def _rules_in(span: Span) -> tuple[str, ...]:
    """The rules of the versions in the span. Where nothing bounds it, nobody has a kernel of 2004."""
    first, last = span
    rules = dict.fromkeys(rule for rule, since, until in _SPANS if since <= last and until >= first)
    return tuple(rule for rule in rules if rule != EARLY or last < versions.LAST)
