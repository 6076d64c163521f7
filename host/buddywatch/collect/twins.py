"""Detects two boards with the same name, and keeps them apart from then on. No I/O.

After a reboot, or a restart of the agent, the earlier boot makes no more frames; but a link that lags behind another
may still bring old ones. So two boots belong to two boards only if both make new frames, over different links, for
longer than any link lags. The board that was heard later gets another name, which stays with its boot and with its
link: the next boot over that link is the same board after a reboot.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from buddywatch.protocol.board_names import other_names

LAG_S = 30.0  # a ring of 16 kB takes 17 s at 9600 baud
BOOTS_MAX = 8  # boots compared for each name; the one that has been silent longest is dropped first
NAMES_MAX = 65_536  # boots whose names are remembered

Link = TypeVar("Link", bound=Hashable)


class Split(NamedTuple, Generic[Link]):
    """Two boots belong to two boards: the later one got another name."""

    first_boot_id: str
    first_link: Link
    later_boot_id: str
    later_link: Link
    name: str


@dataclass(slots=True, eq=False)
class _Speaker(Generic[Link]):
    """A boot that is heard. newest: its highest frame. met_s: first heard. news_s: when the last new frame came."""

    boot_id: str
    link: Link
    newest: int
    met_s: float
    news_s: float


class Twins(Generic[Link]):
    """is_free(name, called): True if a board that reports the name `called` may be stored as `name`."""

    def __init__(self, is_free: Callable[[str, str], bool]) -> None:
        self._is_free = is_free
        self._speakers: dict[str, dict[str, _Speaker[Link]]] = {}  # by stored name, and boot id
        self._names: dict[tuple[str, str], str] = {}  # (reported name, boot id) -> stored name
        self._link_names: dict[tuple[Link, str], str] = {}  # (link, reported name) -> stored name

    def name_of(self, called: str, link: Link, boot_id: str, stored: Callable[[], str]) -> str:
        """The stored name of a board. stored(): looks up a boot that is heard for the first time in the store."""
        key = called, boot_id
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = self._link_names.get((link, called)) or stored()
            if name != called:
                self._link_names[link, called] = name
            if len(self._names) > NAMES_MAX:
                del self._names[next(iter(self._names))]
        return name

    def heard(self, called: str, link: Link, boot_id: str, seq: int, monotonic_s: float) -> Split[Link] | None:
        """A frame came of a boot that name_of() knows. Returns the split if it shows one."""
        name = self._names[called, boot_id]
        speakers = self._speakers.setdefault(name, {})
        mine = speakers.get(boot_id)
        if mine is None:
            speakers[boot_id] = _Speaker(boot_id, link, seq, monotonic_s, monotonic_s)
            if len(speakers) > BOOTS_MAX:
                del speakers[min(speakers, key=lambda other: speakers[other].news_s)]
            return None
        if seq <= mine.newest:
            return None  # it came before over another link, or was requested again
        mine.newest, mine.news_s, mine.link = seq, monotonic_s, link
        if len(speakers) == 1:
            return None
        for other in speakers.values():
            if other is not mine and other.link != link and _both_live(mine, other):
                return self._split(called, name, *sorted((other, mine), key=lambda one: one.met_s))
        return None

    def forget(self, link: Link) -> None:
        """The link has ended and will not be opened again."""
        for key in [key for key in self._link_names if key[0] == link]:
            del self._link_names[key]

    def _split(self, called: str, name: str, first: _Speaker[Link], later: _Speaker[Link]) -> Split[Link] | None:
        for new_name in other_names(called):
            taken = self._speakers.get(new_name, {}).values()
            is_quiet = all(other.news_s < later.news_s - LAG_S for other in taken)
            if new_name != name and is_quiet and self._is_free(new_name, called):
                break
        else:
            return None
        del self._speakers[name][later.boot_id]
        self._speakers[new_name] = {later.boot_id: later}
        self._names[called, later.boot_id] = new_name
        self._link_names[later.link, called] = new_name
        return Split(first.boot_id, first.link, later.boot_id, later.link, new_name)


def _both_live(one: _Speaker[Link], other: _Speaker[Link]) -> bool:
    """True if both made new frames after the later one had been heard for longer than a link lags."""
    return min(one.news_s, other.news_s) >= max(one.met_s, other.met_s) + LAG_S
