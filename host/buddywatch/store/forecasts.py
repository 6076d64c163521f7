"""The newest forecast of each need, and the history of its margin, for a collector that starts again."""

from __future__ import annotations

from buddywatch.model.forecasts import TRENDS, Forecast, MarginRecord, NeedForecast
from buddywatch.store.database import Database
from buddywatch.text.escape import one_line


class ForecastStore(Database):
    def set_forecast(self, board: str, found: NeedForecast) -> None:
        """Replaces the need's forecast."""
        forecast = found.forecast
        times = (forecast.in_s, forecast.low_s, forecast.high_s, forecast.since_s)
        values = (board, found.need, found.boot_id, _ms(found.uptime_s), forecast.trend, *map(_ms, times))
        self._run("INSERT OR REPLACE INTO forecasts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def forecasts(self, board: str) -> list[NeedForecast]:
        """The newest of each need, of any boot, by the needs' names."""
        sql = """SELECT need, boot_id, uptime_ms, trend, in_ms, low_ms, high_ms, since_ms FROM forecasts
            WHERE board = ? ORDER BY need"""
        found = []
        for need, boot_id, uptime_ms, trend, *times in self._rows(sql, (board,)):
            if trend in TRENDS:
                forecast = Forecast(trend, *map(_s, times))
                found.append(NeedForecast(need, boot_id, uptime_ms / 1000, forecast))
            else:
                why = f"trend: read {one_line(repr(trend), 40)}, expected one of {', '.join(TRENDS)}"
                condition = f"board = '{board}' AND need = '{need}'"
                self._report_damage(f"forecast of {need} of board {board}", why, self._removal("forecasts", condition))
        return found

    def set_margins(self, board: str, record: MarginRecord) -> None:
        """Replaces the need's record."""
        values = (board, record.need, record.boot_id, record.seq, record.basis, record.text, record.level)
        sql = "INSERT OR REPLACE INTO margins VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self._run(sql, (*values, _ms(record.level_since_s)))

    def margins(self, board: str) -> list[MarginRecord]:
        """The newest record of each need, of any boot."""
        sql = """SELECT need, boot_id, seq, basis, history, level, level_since_ms FROM margins
            WHERE board = ? ORDER BY need"""
        return [
            MarginRecord(need, boot_id, seq, basis, text, level, since_ms / 1000)
            for need, boot_id, seq, basis, text, level, since_ms in self._rows(sql, (board,))
        ]

    def forget_margins(self, board: str) -> None:
        """A boot of the board turned out to belong to another one."""
        for table in ("forecasts", "margins"):
            self._run(f"DELETE FROM {table} WHERE board = ?", (board,))


def _ms(time_s: float | None) -> int | None:
    return None if time_s is None else round(time_s * 1000)


def _s(time_ms: int | None) -> float | None:
    return None if time_ms is None else time_ms / 1000
