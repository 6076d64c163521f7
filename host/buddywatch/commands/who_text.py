"""The answer of `who` as text, 78 columns."""

from __future__ import annotations

from buddywatch.commands.who_answer import WhoAnswer
from buddywatch.model.lives import Life
from buddywatch.text.escape import counted, escaped, local_clock, local_time, one_line, rough_duration, table, wrapped
from buddywatch.text.map_words import NAME_CHARS
from buddywatch.text.units import format_bytes
from buddywatch.verdict.culprits import Record
from buddywatch.verdict.losses import Loss

RECORDS_MAX = 20  # programs in the table


def lines(answer: WhoAnswer) -> list[str]:
    """answer.board and the programs' names come from a board: they are escaped here."""
    found = answer.findings
    watched = rough_duration(found.watched_s)
    shown = [f"{escaped(answer.board)}: since {local_time(answer.since)}, {watched} of it watched", ""]
    if not answer.sees_programs:
        shown += wrapped(
            "This board sends no maps and no starts (an MMU, --map-interval 0, or no buddyd): which programs run is "
            "not known. Refusals and starts are counted.",
            "",
        )
    if found.records:
        shown += [*_table(answer), ""]
        shown += wrapped(_meaning(answer), "")
    shown += wrapped(_unseen_words(answer), "")
    shown += _loss_lines(answer)
    return shown


def starts_table(answer: WhoAnswer) -> list[str]:
    """Which programs were started how often, and what they hold and cost; [] where none is known."""
    return _table(answer) if answer.findings.records else []


def _table(answer: WhoAnswer) -> list[str]:
    rows = [["PROGRAM", "STARTS/H", "EVERY", "HOLDS", "FOR", "RUNS", "REFUSED", "LEAVES", "A RUN COSTS", "IN ALL"]]
    rows += [_row(record, answer) for record in answer.findings.records[:RECORDS_MAX]]
    left_out = len(answer.findings.records) - RECORDS_MAX
    more = [f"and {counted(left_out, 'program')} more"] if left_out > 0 else []
    return [*table(rows, right=frozenset(range(1, 10)), gap=" "), *more]


def _row(record: Record, answer: WhoAnswer) -> list[str]:
    in_all = answer.lost_in_all_bytes(record)
    return [
        one_line(record.name, NAME_CHARS),
        f"{answer.starts_per_hour(record.starts):.1f}" if record.starts else "-",
        rough_duration(record.period_s) if record.period_s else "-",
        format_bytes(record.pages * answer.page_bytes) if record.pages else "-",
        "-" if record.run_s is None else rough_duration(record.run_s),
        str(record.running),
        str(record.failures),
        "-" if record.left_pages is None else _kilobytes(record.left_pages * answer.page_bytes),
        "-" if record.lost_pages is None else _kilobytes(record.lost_pages * answer.page_bytes),
        "-" if in_all is None else _kilobytes(in_all),
    ]


def _kilobytes(size_bytes: float) -> str:
    """An estimate: whole kilobytes are more than is known."""
    return f"{round(size_bytes / 1024) or 0} kB"


def _meaning(answer: WhoAnswer) -> str:
    size = format_bytes(answer.block_bytes)
    return (
        f"A run costs: by so much less was in free blocks of {size} or more, which {one_line(answer.need)} needs, "
        "after it than before it, by what the starts and ends together changed, and by what stays in files. LEAVES: "
        "so much more was in files in RAM; a page that stays tears a block, perhaps another program's. EVERY: the "
        "starts come like clockwork. RUNS: processes that run now."
    )


def _unseen_words(answer: WhoAnswer) -> str:
    found = answer.findings
    if found.unseen is None:
        return "Starts that were not seen: not known, the board does not count processes."
    if not found.unseen:
        return "No other process was started."
    rate = answer.starts_per_hour(found.unseen)
    text = f"Not seen: {counted(found.unseen, 'start')}, {rate:.1f} an hour"
    text += f", every {rough_duration(found.unseen_period_s)}" if found.unseen_period_s else ""
    text += ": refused, or over before buddyd looked."
    if found.unseen_lost_pages is not None:
        text += f" Each cost {_kilobytes(found.unseen_lost_pages * answer.page_bytes)}."
    return text


def _loss_lines(answer: WhoAnswer) -> list[str]:
    losses = answer.findings.losses
    if not losses:
        return []
    shown = ["", "What went and did not come back:"]
    for loss in losses:
        shown += wrapped(
            f"{_when(answer, loss)}  {_kilobytes(loss.pages * answer.page_bytes)}{_near_words(loss)}", "  "
        )
    return shown


def _when(answer: WhoAnswer, loss: Loss) -> str:
    begin, end = answer.time_of(loss, loss.begin_s), answer.time_of(loss, loss.end_s)
    if begin is None or end is None:
        return f"uptime {rough_duration(loss.begin_s)}"
    return f"{local_time(begin)[:10]} {local_clock(begin)} to {local_clock(end)}"


def _near_words(loss: Loss) -> str:
    if not loss.near:
        return ""
    return f"; then came, and stayed: {', '.join(map(_life_words, loss.near))}"


def _life_words(life: Life) -> str:
    return f"{one_line(life.name, NAME_CHARS)} (pid {life.pid})"
