"""Of files that a log repeats: the copy that is nearest to a place in the text."""

from __future__ import annotations

from bisect import bisect_left

from buddywatch.kernel_text.raw import Raw, RawZone, ZoneKey


def nearest_meminfo(raw: Raw, offset: int) -> dict[str, int]:
    if not raw.meminfo:
        return {}
    index = bisect_left(raw.meminfo, offset, key=lambda entry: entry[0])
    around = raw.meminfo[max(index - 1, 0) : index + 1]
    return min(around, key=lambda entry: abs(entry[0] - offset))[1]


def nearest_zoneinfo(raw: Raw, offset: int, key: ZoneKey) -> RawZone | None:
    """The entry of this zone nearest to the place: a log that repeats the file has many."""
    index = bisect_left(raw.zoneinfo, offset, key=lambda entry: entry[0])
    window = raw.zoneinfo[max(index - 64, 0) : index + 64]
    found = [(abs(place - offset), zone) for place, zone_key, zone in window if zone_key == key]
    return min(found, key=lambda entry: entry[0])[1] if found else None
