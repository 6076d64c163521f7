"""A request with its answer, and all of a text. Plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from buddyd import watermark

from buddywatch.explain.changes import Change
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.judge import Answer
from buddywatch.explain.page_sizes import block_bytes_of
from buddywatch.explain.program import Piece
from buddywatch.explain.reclaim import reclaim_of
from buddywatch.kernel_text.kernel import Kernel
from buddywatch.kernel_text.messages import programs
from buddywatch.kernel_text.messages.notice import Notice
from buddywatch.kernel_text.raw import Message
from buddywatch.kernel_text.state import State
from buddywatch.verdict.programs import Block
from buddywatch.verdict.reclaim import Reclaimable


@dataclass(frozen=True)
class Wanted:
    """A question about states: a number of contiguous bytes, or a program; blocks(page_bytes): what its start needs."""

    name: str
    bytes: int | None = None
    blocks: Callable[[int], list[Block]] | None = None


@dataclass(slots=True)
class Case:
    """A request and its answer. message: that of the kernel; None for a need from the command line."""

    name: str | None
    kernel: Kernel
    page_bytes: int | None
    requested_bytes: int | None
    order: int | None
    state: State | None
    answer: Answer
    notes: list[str]
    message: Message | None = None
    line: int | None = None
    pieces: list[Piece] = field(default_factory=list)
    finding: Finding | None = None  # of another family of messages
    state_gap_s: float | None = None  # state less message, in seconds; None: with the message, or unknown
    kill_state: State | None = None  # of a kill whose header is not in the text
    before_init: bool = False  # the kernel itself was starting, no program ran yet
    no_init: bool = False  # the kernel stopped soon after, because no program could be started as init
    is_start: bool | None = None  # of a program; False: it ran already and asked for more

    @property
    def block_bytes(self) -> int | None:
        return block_bytes_of(self.requested_bytes, self.order, self.page_bytes)

    @property
    def reclaim(self) -> Reclaimable | None:
        return reclaim_of(self.state, self.answer.request) if self.state else None

    @property
    def reclaimable_bytes(self) -> int | None:
        return None if self.reclaim is None or self.page_bytes is None else self.reclaim.pages * self.page_bytes

    @property
    def ram_file_bytes(self) -> int | None:
        """The memory that is also listed as reclaimable, but is held by files in RAM; None: not known."""
        pages = self.reclaim.ram_file_pages if self.reclaim else None
        return None if pages is None or self.page_bytes is None else pages * self.page_bytes


@dataclass(frozen=True)
class Explanation:
    """kernel: the one of the newest failure, else of the newest state. has_part: the text has a part of a report, if
    nothing else."""

    kernel: Kernel
    page_bytes: int | None
    states: list[State]
    failures: list[Case]
    needs: list[Case]
    asides: list[Notice] = field(default_factory=list)  # that look like failures and are none
    changes: list[Change] = field(default_factory=list)
    has_part: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.failures and not self.states and not self.asides

    @property
    def is_bad_news(self) -> bool:
        """True if a request failed in this text, or a requested need would fail, or might: unknown is no all-clear."""
        if any(notice.family == programs.FAMILY for notice in self.asides):
            return True
        good = (watermark.OK, watermark.TIGHT)
        lost = any(state.after_failure for state in self.states)
        return bool(self.failures) or lost or any(need.answer.verdict not in good for need in self.needs)
