"""Own rules, `[[rule]]` of the configuration: the values they look at, their keys, and whether these fit together."""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any

from buddywatch.config import kinds as k
from buddywatch.config.problems import Problems
from buddywatch.text.units import format_bytes, format_duration, parse_duration, parse_size

BYTES, SECONDS, PAGES, COUNT = "bytes", "seconds", "pages", "count"
NEED, BLOCK = "need", "block"  # keys that a value takes beside it


@dataclass(frozen=True)
class Watched:
    """unit: one of the above. title: its name in messages; {} stands for the need or the block.

    takes: the key that says of what, if any. is_counted: the collector counts it as it happens, so a rule must say
    within which time.
    """

    unit: str
    title: str
    meaning: str
    takes: str | None = None
    is_counted: bool = False


WATCHED = {
    "free_bytes": Watched(BYTES, "free memory", "all free memory"),
    "serviceable_bytes": Watched(BYTES, "largest request that succeeds", "the largest request that succeeds"),
    "serviceable_low_bytes": Watched(
        BYTES, "largest request that needs no reserve", "the largest request that succeeds without the kernel's reserve"
    ),
    "largest_free_block_bytes": Watched(BYTES, "largest free block", "the largest free block, usable or not"),
    "reclaimable_bytes": Watched(BYTES, "caches that the kernel can free", "caches that the kernel can free"),
    "slab_bytes": Watched(BYTES, "memory of the kernel's own objects", "memory of the kernel's own objects (slab)"),
    "free_blocks": Watched(COUNT, "free blocks of {}", "free blocks of the size `block`, and of no other", BLOCK),
    "free_in_blocks": Watched(
        BYTES, "free memory in blocks of {} or larger", "free memory in blocks of the size `block` or larger", BLOCK
    ),
    "margin_pages": Watched(PAGES, "margin of {}", "pages to spare for the need `need`; negative: missing", NEED),
    "refused_in": Watched(SECONDS, "time until {} is refused", "the forecast: when `need` will be refused", NEED),
    "processes": Watched(COUNT, "processes started", "processes started since the boot"),
    "uptime": Watched(SECONDS, "uptime", "time since the boot"),
    "failures": Watched(
        COUNT, "allocations that the kernel refused", "failed allocations in the kernel's messages", is_counted=True
    ),
    "kills": Watched(COUNT, "processes that the OOM killer ended", "the OOM killer's victims", is_counted=True),
    "reboots": Watched(COUNT, "reboots", "reboots of the board", is_counted=True),
    "lost_frames": Watched(COUNT, "lost frames", "frames that were lost", is_counted=True),
    "damaged_lines": Watched(COUNT, "damaged lines", "lines damaged on the board's links", is_counted=True),
    "dropped_bytes": Watched(BYTES, "dropped bytes", "bytes that are no frame, on the board's links", is_counted=True),
    "reasked_frames": Watched(COUNT, "frames asked for again", "frames asked for again, on its links", is_counted=True),
}

_PARSE: dict[str, Callable[[str], int]] = {BYTES: parse_size, SECONDS: parse_duration}
_EXPECTED = {
    BYTES: 'bytes, or a size such as "300k"',
    SECONDS: 'seconds, or a duration such as "2h"',
    PAGES: "a number of pages",
    COUNT: "a number",
}


def reference_markdown() -> str:
    """The table of all values for the documentation."""
    lines = ["| value | unit | key | what it is |", "|---|---|---|---|"]
    for name, watched in WATCHED.items():
        counted = "; counted" if watched.is_counted else ""
        key = f"`{watched.takes}`" if watched.takes else ""
        lines.append(f"| `{name}` | {watched.unit} | {key} | {watched.meaning}{counted} |")
    return "\n".join(lines) + "\n"


def level_in(unit: str, value: float | str) -> float:
    """A limit in the value's unit. ValueError: what is expected."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    parse = _PARSE.get(unit)
    if parse is None:
        raise ValueError(_EXPECTED[unit])
    try:
        return -parse(text[1:]) if text.startswith("-") else parse(text)
    except ValueError:
        raise ValueError(_EXPECTED[unit]) from None


def amount_words(unit: str, amount: float) -> str:
    """ "300 kB", "2 h", "-3 pages", "312"."""
    if unit == BYTES:
        return format_bytes(round(amount))
    if unit == SECONDS:
        return format_duration(amount)
    number = f"{round(amount, 1):g}" if amount % 1 else str(round(amount))
    return f"{number} page{'' if abs(amount) == 1 else 's'}" if unit == PAGES else number


def is_among(board: str, patterns: Iterable[str]) -> bool:
    """True if one of these names or patterns, with * or ?, is the board's."""
    return any(fnmatchcase(board, pattern) for pattern in patterns)


WatchedValue = Annotated[str, k.choice(*WATCHED)]
_LEVELS = ("above", "below", "clear")


@dataclass(frozen=True)
class OwnRule:
    """Exactly one of above and below is set. Levels are in the unit of the value (WATCHED)."""

    name: Annotated[k.Name, "the rule's name, in messages and for `silence`"]
    value: Annotated[WatchedValue, "what it looks at, see Own rules"]
    need: Annotated[k.Name | None, "the need, for values of a need"] = None
    block: Annotated[k.BlockSize | None, "the size of the block, for values of blocks"] = None
    above: Annotated[k.Level | None, "the alert begins if the value is higher; or below"] = None
    below: Annotated[k.Level | None, "the alert begins if the value is lower; or above"] = None
    clear: Annotated[k.Level | None, "it ends only when the value is back here; else at the limit itself"] = None
    within_s: Annotated[k.Duration | None, "look at how much the value changes within this time, not at itself"] = None
    for_s: Annotated[k.Duration | None, "how long it must last; else hold_samples of [alert]"] = None
    clear_for_s: Annotated[k.Duration | None, "how long it must be over; else clear_samples of [alert]"] = None
    severity: Annotated[k.AlertSeverity, "the severity of its alerts"] = "warning"
    boards: Annotated[k.BoardPatterns | None, "for which boards; patterns such as roof-* are allowed; else all"] = None
    groups: Annotated[k.Names | None, "for the boards of these groups, besides boards"] = None
    do: Annotated[k.Text | None, "what to do first: the message says so"] = None

    def applies_to(self, board: str, groups: Set[str], needs: Collection[str]) -> bool:
        """groups, needs: the names of the board's."""
        if self.need is not None and self.need not in needs:
            return False
        if self.boards is None and self.groups is None:
            return True
        return is_among(board, self.boards or ()) or not groups.isdisjoint(self.groups or ())

    @property
    def limit(self) -> float:
        return self._number(self.above if self.above is not None else self.below)

    @property
    def clear_level(self) -> float:
        return self.limit if self.clear is None else self._number(self.clear)

    @staticmethod
    def _number(level: float | str | None) -> float:
        assert level is not None and not isinstance(level, str)  # read_levels() has made it a number
        return level

    @property
    def title(self) -> str:
        """What it looks at: "free memory in blocks of 64 kB or larger"."""
        of = self.need if self.block is None else format_bytes(self.block)
        return WATCHED[self.value].title.format(of)

    def amount_words(self, amount: float) -> str:
        """An amount of the value, or of its change."""
        words = self.words(amount)
        if self.within_s is None:
            return words
        sign = "+" if amount > 0 and not WATCHED[self.value].is_counted and self.value != "processes" else ""
        return f"{sign}{words} within {format_duration(self.within_s)}"

    def words(self, amount: float) -> str:
        """An amount in the unit of the value."""
        return amount_words(WATCHED[self.value].unit, amount)

    @property
    def condition(self) -> str:
        """ "free memory below 300 kB"."""
        side = "above" if self.above is not None else "below"
        return f"{self.title} {side} {self.amount_words(self.limit)}"


def check_rule(
    where: str, values: dict[str, Any], needs: Collection[str], groups: Collection[str], problems: Problems
) -> None:
    """Add the problems of a rule as a whole, and make numbers of its levels. A wrong value is None."""
    _check_name(where, values, needs, problems)
    if ("above" in values) == ("below" in values):
        found = "both" if "above" in values else "neither"
        problems.add(f"{where}: expected one of above and below, found {found}")
    for name in values.get("groups") or ():
        if name not in groups:
            expected = f"expected one of {', '.join(groups)}" if groups else "there is no [[group]]"
            problems.wrong(where, "groups", name, f"no such group; {expected}")
    if values.get("value") is not None:
        _check_value(where, values, needs, problems)
        _read_levels(where, values, problems)


def _check_name(where: str, values: dict[str, Any], needs: Collection[str], problems: Problems) -> None:
    from buddywatch.model.alerts import ALL, RULES  # most configurations have no rules

    name = values.get("name")
    if name in RULES or name == ALL:
        problems.wrong(where, "name", name, "a rule of buddywatch is called so; choose another name")
    elif name is not None and name in needs:
        problems.wrong(where, "name", name, "a need is called so, and `silence` takes both; choose another name")


def _check_value(where: str, values: dict[str, Any], needs: Collection[str], problems: Problems) -> None:
    name = values["value"]
    watched = WATCHED[name]
    for key in (NEED, BLOCK):
        if watched.takes == key and key not in values:
            problems.add(f"{where} {key}: missing; {name} is the value of a {key}")
        elif watched.takes != key and key in values:
            problems.add(f"{where} {key}: {name} has none; leave it out")
    need = values.get("need")
    if watched.takes == NEED and need is not None and need not in needs:
        problems.wrong(where, "need", need, f"no such need; expected one of {', '.join(needs)}")
    if watched.is_counted and "within" not in values:
        problems.add(f'{where} within: missing; {name} is counted within a time such as "1h"')
    if name == "refused_in" and "within" in values:
        problems.add(f"{where} within: a forecast has no course; leave it out")


def _read_levels(where: str, values: dict[str, Any], problems: Problems) -> None:
    """Levels are numbers in the unit of the value from here on."""
    watched, is_change = WATCHED[values["value"]], "within" in values
    for key in _LEVELS:
        if values.get(key) is None:
            continue
        given = values[key]
        try:
            values[key] = level_in(watched.unit, given)
        except ValueError as error:
            problems.wrong(where, key, given, f"expected {error}")
            values[key] = None
            continue
        if values[key] < 0 and (watched.is_counted or not (is_change or watched.takes == NEED)):
            problems.wrong(where, key, given, "this is never less than 0")
    clear = values.get("clear")
    for side, is_beyond in (("above", operator.gt), ("below", operator.lt)):
        limit = values.get(side)
        if clear is not None and limit is not None and is_beyond(clear, limit):
            must = f"must not be {side} the limit, {amount_words(watched.unit, limit)}, or the alert would never end"
            problems.wrong(where, "clear", amount_words(watched.unit, clear), must)
