"""What a second of many boards costs the database, counted in statements."""

from collections import Counter

import pytest
from boards import START, boot, config, snapshot
from buddywatch.collect.board import Now
from buddywatch.collect.boards import Boards
from buddywatch.store.store import Store

ROWS = ("journal", "heard", "judged")  # one of each for each board


class Fleet:
    """Boards over a store, whose statements are counted."""

    def __init__(self, path, count):
        self.store = Store.open(path)
        self.at = Now(START, 0.0)
        self.boards = Boards(self.store, config(), print, lambda name: False)
        self.names = [f"board{number}" for number in range(count)]
        self.ran = Counter()

    def second(self, *items):
        self.at = Now(self.at.time + 1, self.at.monotonic_s + 1)
        self.ran.clear()
        self.store._connection.set_trace_callback(lambda sql: self.ran.update([_kind(sql)]))
        for name in self.names:
            self.boards.do(name, self._hears(items), self.at)
        self.boards.gather(self.at.monotonic_s)
        self.store.write(self.boards.take_batch())
        self.store._connection.set_trace_callback(None)

    def _hears(self, items):
        def hear(board):
            board.rules.take(items, *self.at)
            board._is_heard = True  # as its tracker would have it

        return hear


def _kind(sql):
    """The table of an INSERT; of others the first word."""
    before, into, table = sql.partition(" INTO ")
    return table.split()[0] if into else before.split()[0]


@pytest.mark.parametrize("many", [3, 60])
def test_a_second_of_many_boards_is_one_transaction_and_a_few_rows_of_each(tmp_path, many):
    fleet = Fleet(tmp_path / "a.db", many)
    forecasts = 0
    with fleet.store:
        fleet.second(boot(), snapshot(1), snapshot(2))
        for seq in range(3, 11):
            fleet.second(snapshot(seq))
            forecasts += fleet.ran.pop("forecasts", 0)
            assert {table: fleet.ran.pop(table) for table in ROWS} == dict.fromkeys(ROWS, many)
            # Nothing is read for each board.
            assert fleet.ran["BEGIN"] == fleet.ran["COMMIT"] == 1
            assert fleet.ran.total() <= 4, fleet.ran
    assert forecasts <= 2 * many  # one in 20 s at most
