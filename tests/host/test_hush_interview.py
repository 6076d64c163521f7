"""What the answers of a shell make of it, before the first poll."""

import pytest
from buddywatch.hush import interview
from buddywatch.hush.shell import Answer

UNREADABLE = Answer((), damaged=False)
DAMAGED = Answer((), damaged=True)


def answer(started: int) -> Answer:
    """To a check during which so many processes were started, by the shell or by others."""
    tasks = "0.40 0.35 0.30 2/120"
    return Answer((("w", "12345.67 12000.12"), ("p", f"{tasks} 700 {tasks} {700 + started}")), damaged=False)


def checked(*answers: Answer) -> tuple[int, str]:
    """(how many checks were asked for, the reason if the shell is refused); the last answer is given again."""
    question = interview.check()
    next(question)
    asked = 0
    try:
        question.send(Answer((), damaged=False))
        while asked < 1000:
            asked += 1
            question.send(answers[min(asked, len(answers)) - 1])
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
        pytest.param([answer(n % 3 + 1) for n in range(30)] + [answer(0)], 31, id="others-start-many"),
        pytest.param([DAMAGED, answer(1), DAMAGED, answer(0)], 4, id="damaged"),
        pytest.param([answer(3), answer(-30000)], 2, id="numbers-began-anew"),
    ],
)
def test_a_shell_that_starts_nothing_is_fit(answers: list[Answer], asked: int) -> None:
    assert checked(*answers) == (asked, "")


@pytest.mark.parametrize(
    ("answers", "asked", "reason"),
    [
        pytest.param([answer(2)], 8, "this shell starts 2 for its own", id="starts-two"),
        pytest.param([answer(3), answer(2)], 40, "this shell starts 2 for its own", id="starts-two-and-others-one"),
        pytest.param([UNREADABLE], 1, "expected a shell that reads files without", id="no-proc"),
        pytest.param([DAMAGED], 40, "none of 40 answers came whole", id="always-damaged"),
    ],
)
def test_a_shell_that_is_not_fit_is_told_why(answers: list[Answer], asked: int, reason: str) -> None:
    times, told = checked(*answers)
    assert times == asked
    assert reason in told
