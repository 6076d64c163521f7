"""What the live view shows, as plain values: the fleet, one board in depth, and what the user looks at. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from buddywatch.model.forecasts import Forecast

# How urgent a board is, most urgent first.
FAILS, SOON, SILENT, ALERT, FINE = range(5)

# Pages of the live view.
FLEET, BOARD, TEXT = "fleet", "board", "text"

# Orders of the fleet.
TIME_LEFT, BLOCKS_LEFT, BY_NAME, LAST_SEEN = "time left", "blocks left", "name", "last seen"
ORDERS = (TIME_LEFT, BLOCKS_LEFT, BY_NAME, LAST_SEEN)

Points = tuple[tuple[float, float], ...]  # (seconds ago, value), oldest first


@dataclass(frozen=True)
class NeedLine:
    """One need of a board. block_bytes: of the block it takes, None if the page size is not known.

    left: how many more times it can be served, usable blocks; None if that is not known. course: the same over time.
    per_day: how much it changed in a day, in usable blocks. failing_s: since when it is refused, None if it is not.
    """

    name: str
    block_bytes: int | None
    verdict: str | None
    left: int | None
    forecast: Forecast
    course: Points = ()
    per_day: float | None = None
    failing_s: float | None = None


@dataclass(frozen=True)
class AlertLine:
    """An open alert. words: for one line."""

    id: int
    rule: str
    need: str | None
    words: str
    is_muted: bool
    is_known: bool  # somebody looks after it


@dataclass(frozen=True)
class BoardLine:
    """One board of the fleet. urgency: FAILS ... FINE. needs: the one that is worst off first.

    age_s: of its newest snapshot. note: why there is no data, "" while there is.
    """

    name: str
    urgency: int
    needs: tuple[NeedLine, ...] = ()
    largest_bytes: int | None = None
    age_s: float | None = None
    note: str = ""
    alerts: tuple[AlertLine, ...] = ()

    @property
    def need(self) -> NeedLine | None:
        return self.needs[0] if self.needs else None


@dataclass(frozen=True)
class Fleet:
    """time_text: the wall clock. mail: how messages go. unheard: a line for each link over which no board was heard.
    news: what happened last, oldest first. problem: what is wrong with the collector or its database, "" if nothing."""

    boards: tuple[BoardLine, ...] = ()
    time_text: str = ""
    mail: str = ""
    news: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()
    problem: str = ""

    def named(self, name: str) -> BoardLine | None:
        return next((board for board in self.boards if board.name == name), None)


@dataclass(frozen=True)
class Depth:
    """One board beyond its line. heat: free blocks of each order, smallest first, each from the oldest part of time to
    the newest; None where nothing is stored. heat_s: the time that it covers. owners: a line
    for each program that holds memory, by the newest map. needs: verdict and reason of each, in words."""

    name: str
    kernel: str = ""
    uptime_s: float | None = None
    links: tuple[tuple[str, bool], ...] = ()
    memory: str = ""
    heat: tuple[tuple[float | None, ...], ...] = ()
    heat_s: float = 0.0
    page_bytes: int | None = None
    owners: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    events: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()  # gaps, reserve, reboot window, what is not known
    advice: tuple[str, ...] = ()


@dataclass(frozen=True)
class View:
    """What the user looks at. selected: the board under the cursor, by name; "" is the first. scroll: lines above.

    typing: the filter is being typed. asking: a question at the bottom that the next key answers. text: of page TEXT.
    ends: what q ends beyond the view itself, such as "the collector"; then it asks first.
    """

    page: str = FLEET
    selected: str = ""
    order: str = TIME_LEFT
    filter: str = ""
    typing: bool = False
    asking: str = ""
    title: str = ""
    text: tuple[str, ...] = ()
    scroll: int = 0
    back: str = FLEET
    ends: str = ""


@dataclass(frozen=True)
class Action:
    """What a key asks for beyond the view itself. what: one of keys.ACTIONS."""

    what: str
    board: str = ""
    hours: float = field(default=0.0)


def shown_boards(fleet: Fleet, view: View) -> list[BoardLine]:
    """The boards that the filter leaves, in the order that the user chose."""
    wanted = view.filter.lower()
    boards = [board for board in fleet.boards if wanted in board.name.lower() or _has_need(board, wanted)]
    keys = {
        TIME_LEFT: lambda board: (board.urgency, *_time_left(board), board.name),
        BLOCKS_LEFT: lambda board: (_blocks_left(board), board.name),
        BY_NAME: lambda board: (board.name,),
        LAST_SEEN: lambda board: (-(float("inf") if board.age_s is None else board.age_s), board.name),
    }
    return sorted(boards, key=keys[view.order])


def place_of(boards: Sequence[BoardLine], name: str) -> int:
    """The place of a board; 0 if it is not there."""
    return next((at for at, board in enumerate(boards) if board.name == name), 0)


def _has_need(board: BoardLine, wanted: str) -> bool:
    return any(wanted in need.name.lower() for need in board.needs)


def _time_left(board: BoardLine) -> tuple[float, float]:
    """Failing first, then what fails soonest, then the fewest usable blocks."""
    need = board.need
    if need is None:
        return float("inf"), float("inf")
    in_s = 0.0 if need.failing_s is not None else need.forecast.in_s
    return (float("inf") if in_s is None else in_s), _blocks_left(board)


def _blocks_left(board: BoardLine) -> float:
    left = None if board.need is None else board.need.left
    return float("inf") if left is None else float(left)
