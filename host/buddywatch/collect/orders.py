"""Orders that come over the control socket: write what is held back, remove a board (`buddywatch forget`).

A board's rows are in the loop, in the batch that waits, and with the writer, so the collector itself removes them:
another process could remove only what is stored, and the collector would store the rest again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from buddywatch.collect.board import Now
from buddywatch.collect.boards import Boards
from buddywatch.collect.console_server import Control
from buddywatch.collect.console_session import END, REFUSED, Session
from buddywatch.collect.link_table import LinkTable
from buddywatch.collect.writer import Writer
from buddywatch.model.batch import Removal


@dataclass(frozen=True)
class _Ordered:
    """urls: of the links that were open to the board."""

    client: Session
    removal: Removal
    urls: list[str]

    def answer(self) -> None:
        if not self.client.is_over:
            problem = self.removal.problem
            self.client.end(END if problem is None else REFUSED, " ".join(self.urls) if problem is None else problem)


class Orders:
    """save: gives all rows to the writer. is_flushing: somebody waits until they are written."""

    def __init__(
        self, control: Control, boards: Boards, writer: Writer, links: LinkTable, save: Callable[[Now], None]
    ) -> None:
        self.is_flushing = False
        self._control = control
        self._boards = boards
        self._writer = writer
        self._links = links
        self._save = save
        self._ordered: list[_Ordered] = []

    def serve(self, at: Now) -> None:
        """Begin what was ordered, and answer what is done; each turn of the loop."""
        self._serve_readers(at)
        for client, removal in self._control.take_removals():
            self._ordered.append(_Ordered(client, removal, self._begin(removal, at)))
        if self._ordered and self._writer.is_idle and not self._boards.pending.removals:
            self._boards.removed()
            for ordered in self._ordered:
                ordered.answer()
            self._ordered.clear()

    def _serve_readers(self, at: Now) -> None:
        """Give everything to the writer if somebody is about to read the database, and tell him when it is written."""
        if not self._writer.is_idle or not self._control.has_readers:
            return
        if self.is_flushing:
            self._control.all_is_written()
        else:
            self._save(at)
        self.is_flushing = not self.is_flushing

    def _begin(self, removal: Removal, at: Now) -> list[str]:
        """Returns the links that are open to the board."""
        self._boards.remove(removal)
        if removal.before is not None:
            return []
        of_board = [connection for connection in self._links if connection.board == removal.board]
        for connection in of_board:
            connection.forget_board()
            self._links.sync(connection, at.monotonic_s)
        return [connection.url for connection in of_board if connection.is_up]
