"""The newest forecast of each need, and the history of its margin, for a collector that starts again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from buddywatch.model.forecasts import TRENDS, Forecast, MarginRecord, NeedForecast
from buddywatch.store.database import Database
from buddywatch.text.escape import one_line

_FORECAST = "board, need, boot_id, uptime_ms, trend, in_ms, low_ms, high_ms, since_ms"
_MARGIN = "board, need, boot_id, seq, basis, history, level, level_since_ms"
_Of = TypeVar("_Of")


class ForecastStore(Database):
    def set_forecast(self, board: str, found: NeedForecast) -> None:
        """Replaces the need's forecast."""
        forecast = found.forecast
        times = (forecast.in_s, forecast.low_s, forecast.high_s, forecast.since_s)
        values = (board, found.need, found.boot_id, _ms(found.uptime_s), forecast.trend, *map(_ms, times))
        self._run("INSERT OR REPLACE INTO forecasts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def forecasts(self, board: str) -> list[NeedForecast]:
        """The newest of each need, of any boot, by the needs' names."""
        rows = self._rows(f"SELECT {_FORECAST} FROM forecasts WHERE board = ? ORDER BY need", (board,))
        return [found for row in rows if (found := self._forecast(*row)) is not None]

    def forecasts_of_all(self) -> dict[str, list[NeedForecast]]:
        """forecasts() of every board that has any."""
        return _by_board(self._rows(f"SELECT {_FORECAST} FROM forecasts ORDER BY board, need"), self._forecast)

    def _forecast(
        self, board: str, need: str, boot_id: str, uptime_ms: int, trend: str, *times: int | None
    ) -> NeedForecast | None:
        """None: the row cannot be read, which is reported."""
        if trend in TRENDS:
            return NeedForecast(need, boot_id, uptime_ms / 1000, Forecast(trend, *map(_s, times)))
        why = f"trend: read {one_line(repr(trend), 40)}, expected one of {', '.join(TRENDS)}"
        condition = f"board = '{board}' AND need = '{need}'"
        self._report_damage(f"forecast of {need} of board {board}", why, self._removal("forecasts", condition))
        return None

    def set_margins(self, board: str, record: MarginRecord) -> None:
        """Replaces the need's record."""
        values = (board, record.need, record.boot_id, record.seq, record.basis, record.text, record.level)
        sql = "INSERT OR REPLACE INTO margins VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self._run(sql, (*values, _ms(record.level_since_s)))

    def margins(self, board: str) -> list[MarginRecord]:
        """The newest record of each need, of any boot."""
        return [
            _margin(*row)
            for row in self._rows(f"SELECT {_MARGIN} FROM margins WHERE board = ? ORDER BY need", (board,))
        ]

    def margins_of_all(self) -> dict[str, list[MarginRecord]]:
        """margins() of every board that has any."""
        return _by_board(self._rows(f"SELECT {_MARGIN} FROM margins ORDER BY board, need"), _margin)

    def forget_margins(self, board: str) -> None:
        """A boot of the board turned out to belong to another one."""
        for table in ("forecasts", "margins"):
            self._run(f"DELETE FROM {table} WHERE board = ?", (board,))


def _margin(
    _: str, need: str, boot_id: str, seq: int, basis: str, text: str, level: str | None, since_ms: int
) -> MarginRecord:
    return MarginRecord(need, boot_id, seq, basis, text, level, since_ms / 1000)


def _by_board(rows: Iterable[tuple[Any, ...]], read: Callable[..., _Of | None]) -> dict[str, list[_Of]]:
    """What the rows hold, of which the first column is the board."""
    found: dict[str, list[_Of]] = {}
    for row in rows:
        one = read(*row)
        if one is not None:
            found.setdefault(row[0], []).append(one)
    return found


def _ms(time_s: float | None) -> int | None:
    return None if time_s is None else round(time_s * 1000)


def _s(time_ms: int | None) -> float | None:
    return None if time_ms is None else time_ms / 1000
