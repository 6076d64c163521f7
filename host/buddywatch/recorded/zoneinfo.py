"""The watermarks in a log's /proc/zoneinfo. They change rarely, so that a log may have them once. No I/O."""

from __future__ import annotations

from buddywatch.kernel_text import state
from buddywatch.kernel_text.raw import ZoneKey
from buddywatch.model.samples import Zone

_MARKS = ("min", "low", "high")
_NORMAL = "Normal"


class ZoneinfoReader:
    """Takes the lines of zoneinfo, and puts the marks into zones."""

    def __init__(self) -> None:
        self._key: ZoneKey | None = None  # of the zone whose lines come
        self._pages: dict[ZoneKey, dict[str, int]] = {}
        self._protection: dict[ZoneKey, tuple[int, ...]] = {}
        self._marks: dict[ZoneKey, tuple[int, int, int, int]] = {}

    def begin(self, key: ZoneKey) -> None:
        """The head of a zone's lines came."""
        if key in self._pages:
            self.finish()
        self._key = key
        self._pages[key] = {}

    def put(self, key: ZoneKey, pages: dict[str, int], protection: tuple[int, ...]) -> None:
        """The marks of a zone, where they do not come as the lines of zoneinfo."""
        self._pages[key], self._protection[key] = pages, protection

    def take(self, text: str) -> bool:
        """True if this line is of the zone, and is used."""
        if self._key is None:
            return False
        name, _, rest = text.strip().partition(" ")
        if name in _MARKS and rest.strip().isdecimal():
            self._pages[self._key].setdefault(name, int(rest))
            return True
        if name == "protection:":
            numbers = rest.strip().strip("()").replace(",", " ").split()
            self._protection[self._key] = tuple(int(number) for number in numbers if number.isdecimal())
            self._key = None if len(self._pages[self._key]) == len(_MARKS) else self._key
            return True
        return False

    def finish(self) -> None:
        """A reading is over: what its zoneinfo said holds until the next."""
        listed = {key: state.Zone(*key, [], [], reserves=self._protection.get(key)) for key in self._pages}
        for key, pages in self._pages.items():
            if pages.keys() >= set(_MARKS):
                reserve = state.reserve_pages(listed[key], list(listed.values()), _NORMAL)
                self._marks[key] = (pages["min"], pages["low"], pages["high"], reserve)
        self._key, self._pages, self._protection = None, {}, {}

    def marked(self, zone: Zone) -> Zone:
        marks = self._marks.get((zone.node, zone.name))
        if marks is None:
            return zone
        return Zone(zone.node, zone.name, zone.nr_free, *marks)
