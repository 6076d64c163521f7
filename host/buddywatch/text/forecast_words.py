"""A forecast in words: the same ones in `status`, the live view, alerts and mails. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from buddywatch.model.forecasts import FALLING, RISING, UNKNOWN, Forecast, NeedForecast
from buddywatch.model.samples import Snapshot
from buddywatch.verdict.reboot_window import Window, deadline, last_window

_UNITS = (("d", 86_400.0, 48 * 3600.0), ("h", 3600.0, 2 * 3600.0), ("min", 60.0, 60.0))  # name, seconds, used from
AT_ANY_TIME = "at any time"
_SOON_S = 60.0
_ROUND_FROM_S, _MINUTES = 1800.0, 5  # "about 111 min" would say more than is known


def current_forecasts(made: Iterable[NeedForecast], snapshot: Snapshot | None) -> dict[str, Forecast]:
    """The forecasts of the boot of this snapshot, by need, brought forward to it."""
    if snapshot is None:
        return {}
    uptime_s = snapshot.uptime_ms / 1000
    own = [one for one in made if one.boot_id == snapshot.boot_id]
    return {one.need: one.forecast.later(max(0.0, uptime_s - one.uptime_s)) for one in own}


def forecast_words(forecast: Forecast) -> str:
    """ "at this rate refused in about 3 h (2 to 7 h)"; "" if nothing is to be said."""
    if forecast.in_s is not None:
        return f"at this rate refused {in_about(forecast)}"
    return {FALLING: "falling slowly", RISING: "rising"}.get(forecast.trend, "")


def reboot_words(windows: Sequence[Window], forecasts: Mapping[str, Forecast], at: float, now: float) -> str:
    """ "last safe reboot window: Tue 2026-12-01 02:00 to 04:30"; "" without windows or if nothing points to a refusal.

    at: when the forecasts were true, now: both in seconds since 1970.
    """
    before = deadline(forecasts, at)
    if before is None or not windows:
        return ""
    found = last_window(windows, now, before)
    if found is None:
        return f"no reboot window is over before a need may be refused, at {_day_clock(before)}"
    begin, end = map(_day_clock, found)
    return f"last safe reboot window: {begin} to {end.rpartition(' ')[2] if begin[:14] == end[:14] else end}"


def _day_clock(time: float) -> str:
    return datetime.fromtimestamp(time).strftime("%a %Y-%m-%d %H:%M")


def in_about(forecast: Forecast) -> str:
    """ "in about 3 h (2 to 7 h)", from the median and the 80 % interval; "" without a median."""
    if forecast.in_s is None:
        return ""
    about = AT_ANY_TIME if forecast.in_s < _SOON_S else f"in about {_shown(forecast.in_s, _nearest)}"
    low_s, high_s = forecast.low_s or 0.0, forecast.high_s
    # Rounded outwards, so that the truth is never outside for the rounding.
    low = _shown(low_s, math.floor)
    if high_s is None:
        return f"{about} ({low} or more)" if low_s >= _SOON_S else about
    high = _shown(high_s, math.ceil)
    if low == high:
        return about
    number, _, unit = low.rpartition(" ")
    return f"{about} ({number if unit == high.rpartition(' ')[2] else low} to {high})"


def brief_forecast(forecast: Forecast) -> str:
    """ "~6 h (3-11)", for a table; the trend where nothing points to a refusal."""
    if forecast.in_s is None:
        return "" if forecast.trend == UNKNOWN else forecast.trend
    if forecast.in_s < _SOON_S:
        return AT_ANY_TIME
    about = _shown(forecast.in_s, _nearest)
    low = "" if forecast.low_s is None else _shown(forecast.low_s, math.floor)
    high = "" if forecast.high_s is None else _shown(forecast.high_s, math.ceil)
    unit = about.rpartition(" ")[2]
    ends = [text.rpartition(" ")[0] for text in (low, high) if text.endswith(f" {unit}")]
    return f"~{about} ({'-'.join(ends)})" if len(ends) == 2 and ends[0] != ends[1] else f"~{about}"


def _nearest(number: float) -> int:
    """round() would make 2.5 and 1.5 the same."""
    return math.floor(number + 0.5)


def _shown(time_s: float, rounded: Callable[[float], int]) -> str:
    """In the largest unit that leaves a number of some size: "110 min", "47 h", "3 d"."""
    for unit, unit_s, used_from_s in _UNITS:
        if time_s >= used_from_s:
            step = _MINUTES if unit == "min" and time_s >= _ROUND_FROM_S else 1
            return f"{rounded(time_s / unit_s / step) * step} {unit}"
    return "0 min"
