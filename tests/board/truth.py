"""What the board's kernel did when /bin/asker asked it for blocks, against what buddyd.watermark says it does.

    BOARD=NAME python tests/board/truth.py [FLAVOUR ...]      boots the kernels (all but 2.6.30) and prints the tables

A trial is one request: the free blocks right before, the bytes, whether they were granted, the free blocks after. The
verdict is made from the blocks before, by the functions of agent and host, and the rule of the kernel's release.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

TOP = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / folder) for folder in ("agent", "host", "agent/board")]

from buddyd import watermark  # noqa: E402
from buddywatch.verdict import programs  # noqa: E402
from kind import DEFAULT, KERNEL_GIVEN, kind_named, out_of  # noqa: E402
from machine import Machine  # noqa: E402

BOARD = os.environ.get("BOARD") or DEFAULT
KIND = kind_named(BOARD)
OUT = out_of(BOARD)
FLAVOURS_BUILT = tuple(KIND.flavours_built)
FLAVOURS = (*FLAVOURS_BUILT, *(flavour for flavour in KIND.flavours if flavour == KERNEL_GIVEN))
STARTERS = [f"/bin/start-{kilobytes}k" for kilobytes in (40, 60, 100, 120, 200, 240, 400)]
# How asker asks: programs that it is given, and how many trials make a table of some thousands in less than a minute.
MODES = {"mmap": ([], 6000), "cache": (["/bin/busybox", "/bin/buddyd"], 3000), "exec": (STARTERS, 3000)}
DEADLINE_S = 1800.0  # on a machine that others keep busy
WORDS = {"mmap": "by mmap", "cache": "by mmap, page cache", "exec": "by exec of bFLT"}
VERDICTS = (watermark.OK, watermark.TIGHT, watermark.REFUSED)

RECLAIM = "reclaim"  # the kernel freed memory first
FEWER_PAGES = "exec took fewer pages"  # than the EXEC_PAGES that a verdict for a program sets aside
RECORD = "record of the mapping"  # the kernel's own, for which it needed single pages first, and they were the last
LATE = "pages came back meanwhile"  # on an SMP kernel those of an ended process do so late (RCU)
UNEXPLAINED = "unexplained"

# vm_region, vma and the nodes of the tree they hang in: less than a page of slab each time, mostly none. Measured: none
# of 72,000 execs was refused at a margin of 0 or more; the one that was, in another run, left 4 pages with the kernel,
# as 0.7 % of those refused do.
RECORD_PAGES = 2


@dataclass(frozen=True)
class Trial:
    """One request, and what was said of it before. after: the free blocks with the granted one still held."""

    order: int
    pages: int
    is_exec: bool
    granted: bool
    reclaimable_pages: int
    beside_pages: int  # the kernel's own count is as much more than the blocks; it decides on an SMP kernel
    before: tuple[int, ...]
    after: tuple[int, ...]
    verdict: str
    margin_pages: int
    margin_at_once_pages: int  # by the blocks, of a request that takes no single pages first
    is_smp: bool
    verdict_at_once: str  # the verdict of a request that takes no single pages first
    verdict_with_record: str  # of one that takes RECORD_PAGES more first

    @property
    def gained_pages(self) -> int:
        """How many pages more are free than before, but for those that it got: a program that started is over."""
        held = self.pages if self.granted and not self.is_exec else 0
        return watermark.free_pages(self.after) + held - watermark.free_pages(self.before)

    @property
    def disagrees(self) -> bool:
        return self.granted == (self.verdict == watermark.REFUSED)

    @property
    def has_lone_block(self) -> bool:
        """Whether just one free block is as large as it takes, and none is larger."""
        return sum(self.before[self.order :]) == self.before[self.order] == 1

    @property
    def leaves_pages(self) -> int:
        """How many pages stay free if it is granted."""
        return watermark.free_pages(self.before) - (1 << self.order)


@dataclass(frozen=True)
class Report:
    """All trials of one mode on one kernel."""

    release: str
    mode: str
    page_bytes: int
    marks: tuple[int, ...]  # min, low, high
    trials: list[Trial]

    @property
    def rule(self) -> str:
        return watermark.rule_for(self.release)

    def table(self) -> Counter[tuple[str, bool]]:
        return Counter((trial.verdict, trial.granted) for trial in self.trials)

    def lone_block_trials(self) -> list[Trial]:
        """Those in which the two rules differ: the block is there, and without it the min mark still holds in total."""
        return [trial for trial in self.trials if trial.has_lone_block and trial.leaves_pages >= self.marks[0]]

    def disagreements(self) -> list[tuple[str, Trial]]:
        """(why, trial) of those in which the kernel did otherwise than the verdict says."""
        return [(explain(trial), trial) for trial in self.trials if trial.disagrees]


def explain(trial: Trial) -> str:
    """Why the kernel did otherwise than the verdict said, as far as the trial itself shows it.

    Granted though refused: a request that fails first makes the kernel reclaim; then something was there to be
    reclaimed, and more pages are free afterwards. The pages that an exec takes before its block are an upper bound. On
    an SMP kernel those of the program before may come back between the look and the request.
    Not granted though ok or tight: only where it was so tight that the record of the mapping made the difference.
    """
    if not trial.granted:
        # A mapping that fails gives its record back; of a process that failed, the kernel keeps something for a while.
        is_seen = not trial.is_exec or trial.gained_pages < 0
        return RECORD if is_seen and trial.verdict_with_record == watermark.REFUSED else UNEXPLAINED
    if trial.is_exec and trial.verdict_at_once != watermark.REFUSED:
        return FEWER_PAGES
    if trial.is_exec and trial.is_smp and trial.margin_at_once_pages + max(0, trial.gained_pages) >= 0:
        return LATE
    has_new_block = sum(trial.after[trial.order :]) > sum(trial.before[trial.order :])  # one page can join two halves
    if trial.reclaimable_pages > 0 and (trial.gained_pages > 0 or has_new_block):
        return RECLAIM
    return UNEXPLAINED


def run(board: Machine, mode: str, seed: int) -> Report:
    """Have asker ask, and judge each of its trials."""
    given, trials = MODES[mode]
    version = board.console.run("read -r line </proc/version; echo $line").text
    release = version.split()[2]
    start = len(board.spare.text)
    answer = board.console.run(f"asker {seed} {trials} {mode} {' '.join(given)} >{board.kind.spare_device}", DEADLINE_S)
    if answer.status:
        raise AssertionError(f"asker ended with {answer.status}: {answer.text}{board.spare.text[-500:]}")
    board.spare.wait_for(r"^end$", start)
    return judge(release, mode, board.spare.text[start:].splitlines(), is_smp=" SMP " in version)


def quiet(board: Machine) -> None:
    """Leave the board to asker: nobody else takes memory between a look and the request.

    By words of the shell alone: on a board whose programs lie in RAM there may be no block for one any more.
    """
    board.console.run("echo 1 >/proc/sys/kernel/printk")
    if not board.kind.has_spare_line:  # asker takes buddyd's
        # A program that the shell starts with `&` ignores SIGINT; buddyd does not any more when it says this.
        board.console.wait_for(r"buddyd: board: \d+ zones")
    for pid, name in _running(board):
        board.console.run(f"kill -{'INT' if name == 'buddyd' else 'TERM'} {pid}")
    while not board.kind.has_spare_line and _running(board):  # buddyd ends at its next poll
        pass


def _running(board: Machine) -> list[tuple[str, str]]:
    """(PID, name) of the agent and of telnetd."""
    stats = board.console.run("for p in /proc/[0-9]*/stat; do read -r line <$p; echo $line; done").text
    return re.findall(r"^(\d+) \((buddyd|telnetd)\) [^Z] ", stats, re.MULTILINE)


def judge(release: str, mode: str, lines: Iterable[str], is_smp: bool) -> Report:
    """A report from what asker printed. is_smp: the kernel's count of free pages decides, not the sum of the blocks."""
    rule, page_bytes = watermark.rule_for(release), 0
    marks: tuple[int, ...] = ()
    needs: dict[str, int] = {}
    trials = []
    for line in lines:
        key, *words = line.split()
        if key == "page":
            page_bytes = int(words[0])
        elif key == "marks":
            marks = tuple(map(int, words))
        elif key == "program":
            needs[f"p{words[0]}"] = _need_bytes(bytes.fromhex(words[1]), page_bytes)
        elif key == "trial":
            size_bytes = needs.get(words[0]) or int(words[0])
            trials.append(_trial(words, size_bytes, page_bytes, marks, rule, is_smp))
    return Report(release, mode, page_bytes, marks, trials)


def _need_bytes(header: bytes, page_bytes: int) -> int:
    with TemporaryDirectory() as folder:
        path = Path(folder, "program")
        path.write_bytes(header)  # it is all that `buddywatch need` reads of a bFLT program
        return programs.need_bytes(path, page_bytes)


def _trial(
    words: list[str], size_bytes: int, page_bytes: int, marks: tuple[int, ...], rule: str, is_smp: bool
) -> Trial:
    asked, granted, reclaimable_pages, counted, before, after = words
    beside_pages = int(counted) - watermark.free_pages(blocks(before)) if is_smp else 0
    is_exec = asked.startswith("p")
    order = watermark.order_for(size_bytes, page_bytes)
    zones = [(blocks(before), marks[0], marks[1], 0, beside_pages)]
    taken_pages = watermark.EXEC_PAGES if is_exec else 0
    verdict, margin = watermark.judge(zones, order, rule, taken_pages)
    at_once, _ = watermark.judge(zones, order, rule)
    blocks_alone = [(blocks(before), marks[0], marks[1], 0, 0)]
    _, margin_at_once = watermark.judge(blocks_alone, order, rule)
    with_record, _ = watermark.judge(zones, order, rule, taken_pages + RECORD_PAGES)
    return Trial(
        order=order,
        pages=-(-size_bytes // page_bytes),
        is_exec=is_exec,
        granted=granted == "1",
        reclaimable_pages=int(reclaimable_pages),
        beside_pages=beside_pages,
        before=blocks(before),
        after=blocks(after),
        verdict=verdict,
        margin_pages=margin,
        margin_at_once_pages=margin_at_once,
        is_smp=is_smp,
        verdict_at_once=at_once,
        verdict_with_record=with_record,
    )


def blocks(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def tables(reports: list[Report]) -> str:
    """A line for each report, as the tables of the documentation have it."""
    lines = [
        f"{'kernel':26} {'rule':5} {'asked':20} {'ok':>13} {'tight':>13} {'refused':>13}  disagreements",
        f"{'':26} {'':5} {'':20}" + f" {'granted/not':>13}" * 3,
    ]
    for report in reports:
        table = report.table()
        cells = [f"{table[verdict, True]}/{table[verdict, False]}" for verdict in VERDICTS]
        why = Counter(reason for reason, _ in report.disagreements())
        told = ", ".join(f"{count} {reason}" for reason, count in why.items()) or "none"
        numbers = "".join(f" {cell:>13}" for cell in cells)
        lines.append(f"{report.release:26} {report.rule:5} {WORDS[report.mode]:20}{numbers}  {told}")
    lines += ["", "one free block of the size that is asked for, none larger, and enough free pages: granted/not"]
    for report in reports:
        lone = Counter(trial.granted for trial in report.lone_block_trials())
        lines.append(f"{report.release:26} {report.rule:5} {WORDS[report.mode]:20} {lone[True]}/{lone[False]}")
    return "\n".join(lines)


def reports_of(flavour: str) -> list[Report]:
    """A report for each mode, each on a board that has just been switched on."""
    reports = []
    for seed, mode in enumerate(MODES, 1):
        with Machine(OUT, flavour) as board:
            quiet(board)
            reports.append(run(board, mode, seed))
    return reports


def main(flavours: list[str]) -> None:
    print(tables([report for flavour in flavours or FLAVOURS_BUILT for report in reports_of(flavour)]))


if __name__ == "__main__":
    main(sys.argv[1:])
