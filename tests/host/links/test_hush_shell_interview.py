"""What the answers of a shell make of it, before the first poll."""

from dataclasses import replace
from pathlib import Path

import pytest
from buddywatch.links.hush_shell import interview
from buddywatch.links.hush_shell.shell import Answer

CAPTURES = Path(__file__).resolve().parents[2] / "fixtures" / "captures"
UNREADABLE = Answer((), damaged=False)
DAMAGED = Answer((), damaged=True)


def answer(started: int) -> Answer:
    """To a check during which so many processes were started, by the shell or by others."""
    tasks = "0.40 0.35 0.30 2/120"
    return Answer((("w", "12345.67 12000.12"), ("p", f"{tasks} 700 {tasks} {700 + started}")), damaged=False)


def account(*shells: tuple[int, int, int]) -> Answer:
    """(number, minor faults, minor faults of children) of the process that read the file, before and after."""
    return Answer(
        tuple(
            ("s", f"{pid} (s) h) S 1 9 9 34816 9 4194304 {own} {of_children} 0 0 1 2")
            for pid, own, of_children in shells
        ),
        damaged=False,
    )


def checked(answers: list[Answer], of_shell: Answer) -> tuple[int, str]:
    """(how many checks were asked for, the reason if the shell is refused); the last answer is given again."""
    question = interview.check()
    assert next(question) == ""
    asked = 0
    try:
        command = question.send(Answer((), damaged=False))
        while command == interview._CHECK:
            asked += 1
            command = question.send(answers[min(asked, len(answers)) - 1])
        assert command == interview._ACCOUNT
        question.send(of_shell)
    except StopIteration:
        return asked, ""
    except interview.Unfit as unfit:
        return asked, str(unfit)
    raise AssertionError("it never ends")


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        pytest.param([answer(0)], 1, id="starts-none"),
        pytest.param([answer(2), answer(1), answer(5), answer(1), answer(0)], 5, id="others-start-some"),
        pytest.param([DAMAGED, answer(1), DAMAGED, answer(0)], 4, id="damaged"),
        pytest.param([answer(3), answer(-30000)], 2, id="numbers-began-anew"),
    ],
)
def test_a_shell_that_starts_nothing_is_fit(answers: list[Answer], asked: int) -> None:
    assert checked(answers, UNREADABLE) == (asked, "")


def test_a_shell_is_fit_by_its_account_where_others_start_many() -> None:
    assert checked([answer(40)], account((700, 512, 3000), (700, 514, 3000))) == (8, "")


@pytest.mark.parametrize(
    "of_shell",
    [
        pytest.param(account((700, 512, 3000), (700, 512, 3040)), id="a-child-ended"),
        pytest.param(account((701, 30, 0), (704, 30, 0)), id="read-by-children"),
        pytest.param(account((700, 0, 0), (700, 0, 0)), id="no-mmu-no-faults"),
        pytest.param(account((700, 512, 3000)), id="half"),
        pytest.param(replace(account((700, 512, 3000), (700, 512, 3000)), damaged=True), id="damaged"),
        pytest.param(UNREADABLE, id="none"),
        pytest.param(Answer((("s", "700 (sh S 1"), ("s", "700 (sh S 1")), damaged=False), id="not-an-account"),
    ],
)
def test_a_shell_without_proof_is_not_fit(of_shell: Answer) -> None:
    asked, told = checked([answer(3), answer(2)], of_shell)
    assert (asked, told.partition(":")[2]) == (8, " this shell starts 2 for its own built-ins")


@pytest.mark.parametrize(
    ("answers", "asked", "reason"),
    [
        pytest.param([UNREADABLE], 1, "expected a shell that reads files without", id="no-proc"),
        pytest.param([DAMAGED], 8, "all 8 answers were damaged", id="always-damaged"),
    ],
)
def test_a_shell_that_cannot_be_asked_is_not_fit(answers: list[Answer], asked: int, reason: str) -> None:
    times, told = checked(answers, UNREADABLE)
    assert times == asked
    assert reason in told


def learned(proc: Path, is_damaged: bool = False) -> interview.Board:
    """What is learnt of a board whose shell reads the files of a folder. is_damaged: /proc/mounts arrives damaged."""
    board = interview.Board()
    question = interview.learn(board)
    whole = {
        interview._CPU: ("c", "cpuinfo"),
        interview._PAGES: ("k", "self/smaps"),
        interview._MOUNTS: ("f", "mounts"),
    }
    first = {interview.one_line_of(tag, path): (tag, path) for tag, path in interview._FACTS}
    try:
        command = next(question)
        while True:
            tag, path = whole.get(command) or first[command]
            lines = (proc / path).read_text().splitlines() if (proc / path).exists() else []
            texts = [" ".join(line.split()) for line in lines][: None if command in whole else 1]
            answer = Answer(tuple((tag, text) for text in texts), is_damaged and command == interview._MOUNTS)
            command = question.send(answer)
    except StopIteration:
        return board


def test_a_board_is_known_from_its_captured_proc() -> None:
    board = learned(CAPTURES / "frag-4k-bflt-2.6.30-files" / "proc")
    assert (board.values["osrelease"], board.machine, board.is_no_mmu) == ("2.6.30", "COLDFIRE(m520x)", True)
    assert board.files == {"ram", "rom"}
    assert learned(CAPTURES / "frag-4k-bflt-2.6.30-files" / "proc", is_damaged=True).files is None
    assert learned(CAPTURES / "ramfs-2.6.30" / "proc").files is None
