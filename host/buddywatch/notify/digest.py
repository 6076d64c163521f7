"""The daily digest: how each board is and where it is heading, what happened, what could not be delivered.

It comes every day, also when nothing happened: whoever misses it knows that nobody watches the boards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from buddywatch.model.alerts import OK, Incident, Message, OutboxRow
from buddywatch.model.forecasts import Forecast
from buddywatch.model.verdicts import BoardState
from buddywatch.notify.message import compose_notice
from buddywatch.notify.paper import LINES, wrapped
from buddywatch.text.escape import counted, escaped, local_time, one_line, rough_duration
from buddywatch.text.forecast_words import forecast_words
from buddywatch.text.state_words import VERDICT_WORDS

DAY_S = 86_400
_BOARDS_MOST, _OPEN_SHOWN, _RULES_SHOWN = 15, 5, 5


@dataclass(frozen=True)
class BoardDay:
    """One board's last 24 h. silent_s: since its newest snapshot, None if there is none. links_down: URLs."""

    board: str
    state: BoardState | None
    forecasts: dict[str, Forecast]
    incidents: tuple[Incident, ...]
    lost_frames: int
    links_down: tuple[str, ...]
    silent_s: float | None


def compose_digest(days: Sequence[BoardDay], undelivered: Sequence[OutboxRow], now: float) -> Message:
    """days: of all boards."""
    still = [one for day in days for one in day.incidents if one.closed is None]
    count = sum(one.opened > now - DAY_S for day in days for one in day.incidents)
    what = (
        f"digest: {counted(len(days), 'board')}, {counted(len(still), 'open alert')}, {counted(count, 'alert')} in 24 h"
    )
    boards, rest = [_board_line(day) for day in sorted(days, key=_worst_first)], _rest(days, still, undelivered, now)
    pages = (
        ["Boards, the worst first", *_listed(boards, most, "boards"), *rest] for most in range(_BOARDS_MOST, 0, -1)
    )
    lines = next((lines for lines in pages if len(lines) <= LINES), rest)
    body = "\n".join(lines) + "\n"
    notice = compose_notice("digest", OK, what, [], now)
    subject = f"[buddywatch] {what[0].upper()}{what[1:]}"
    return Message(subject, body, {**notice.payload, "text": body, "boards": [day.board for day in days]})


def _rest(days: Sequence[BoardDay], still: list[Incident], undelivered: Sequence[OutboxRow], now: float) -> list[str]:
    """The lines below the boards."""
    lines = _section("Open alerts", _listed([_open_line(one, now) for one in still], _OPEN_SHOWN, "open alerts"))
    lines += _section("In the last 24 h", _listed(_counts(days, now), _RULES_SHOWN, "rules"))
    if undelivered:
        oldest = rough_duration(now - undelivered[0].created)
        text = f"{counted(len(undelivered), 'message')} not delivered yet, the oldest for {oldest}."
        lines += ["", *wrapped(text, "")]
    text = f"Sent at {local_time(now)}. If this mail is missing one day, look after the collector."
    return [*lines, "", *wrapped(text, "")]


def _listed(texts: list[str], most: int, thing: str) -> list[str]:
    """The first of them as lines, and how many more there are."""
    rest = len(texts) - most
    shown = texts if rest <= 1 else texts[:most]
    more = [f"  and {rest} more {thing}"] if rest > 1 else []
    return [line for text in shown for line in wrapped(text, "  ", "    ")] + more


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *lines] if lines else []


def _worst_first(day: BoardDay) -> tuple[int, float, str]:
    open_ones = sum(one.closed is None for one in day.incidents)
    soonest = min((one.in_s for one in day.forecasts.values() if one.in_s is not None), default=float("inf"))
    return -open_ones, soonest, day.board


def _board_line(day: BoardDay) -> str:
    words = []
    if day.silent_s is None or day.silent_s > DAY_S / 24:
        words.append("no data yet" if day.silent_s is None else f"no data for {rough_duration(day.silent_s)}")
    for need in day.state.needs if day.state else ():
        forecast = forecast_words(day.forecasts[need.name]) if need.name in day.forecasts else ""
        words.append(f"{need.name} {VERDICT_WORDS[need.verdict]}" + (f", {forecast}" if forecast else ""))
    if day.lost_frames:
        words.append(f"{counted(day.lost_frames, 'frame')} lost")
    words += [f"{url} is down" for url in day.links_down]
    return one_line(f"{day.board}: {'; '.join(words)}", 160)


def _open_line(incident: Incident, now: float) -> str:
    text = f"{incident.board}: {incident.severity}, {incident.rule}: {incident.text}"
    return f"{one_line(text, 140)}, for {rough_duration(now - incident.opened)}"


def _counts(days: Sequence[BoardDay], now: float) -> list[str]:
    """How often each rule fired, and on which boards most."""
    recent = [one for day in days for one in day.incidents if one.opened > now - DAY_S]
    lines = []
    for rule, count in Counter(one.rule for one in recent).most_common():
        boards = Counter(one.board for one in recent if one.rule == rule)
        worst, times = boards.most_common(1)[0]
        most = f", {escaped(worst)} {times} times" if len(boards) > 1 and times > 1 else ""
        lines.append(f"{rule}: {counted(count, 'time')} on {counted(len(boards), 'board')}{most}")
    return lines
