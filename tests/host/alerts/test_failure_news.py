"""Later failures of the kernel while the alert about the first one is open: what is news, and what is only counted."""

from dataclasses import replace
from itertools import count

import pytest
from boards import BOOT_ID, boot, config, kernel_event, snapshot
from buddywatch.alerts.failure_news import PROGRAMS_MAX, FailureNews
from buddywatch.model.samples import Event
from buddywatch.store.store import Store
from feeder import Feeder

OPENED = ("kernel_failure", "ok", "firing")
NEWS = ("kernel_failure", "firing", "noted")


NUMBERS = [count(1)]  # of frames; a test begins anew


@pytest.fixture
def xp(tmp_path):
    NUMBERS[0] = count(1)
    with Store.open(tmp_path / "a.db") as store:
        feeder = Feeder(store, config(tight="off", refused="off"))
        feeder.feed(boot())
        yield feeder


def refusal(comm: str, kind: str = "alloc") -> Event:
    seq = next(NUMBERS[0])
    text = f"Allocation of length 61440 from process {seq} ({comm}) failed"
    if kind == "page":
        text = f"{comm}: page allocation failure. order:4, mode:0xd0"
    return replace(kernel_event(seq, seq * 100, text=text), kind=kind, comm=comm, pid=seq if kind == "alloc" else None)


def kill(comm: str, pid: int) -> list[Event]:
    """What 2.6.30 prints: who asked, whom it chose, whom it killed."""
    lines = (
        ("oom", "dmesg", "dmesg invoked oom-killer: gfp_mask=0xd0, order=3, oomkilladj=0"),
        ("kill", comm, f"Out of memory: kill process {pid} ({comm}) score 4 or a child"),
        ("kill", comm, f"Killed process {pid} ({comm})"),
    )
    made = []
    for kind, name, text in lines:
        seq = next(NUMBERS[0])
        made.append(replace(kernel_event(seq, seq * 100, text=text), kind=kind, comm=name, pid=pid))
    return made


def told(xp: Feeder) -> list[tuple[tuple[str, str, str], str]]:
    """((rule, from, to), text) of the reported transitions."""
    untold = {change.id for change, _ in xp.store.unreported("xp")}
    changes = [change for change in xp.store.transitions("xp") if change.id in untold]
    return [((change.rule, change.from_, change.to), change.text) for change in changes]


def test_another_program_is_news_at_once(xp: Feeder) -> None:
    xp.play(refusal("rm"), refusal("rm"), refusal("ls"), refusal("ls"), refusal("rm"))
    assert [change for change, _ in told(xp)] == [OPENED, NEWS]
    assert "(ls) failed" in told(xp)[1][1]
    assert len(xp.store.incidents("xp")) == 1
    assert {change.incident_id for change in xp.store.transitions("xp")} == {xp.store.incidents("xp")[0].id}


def test_one_request_in_two_lines_is_one(xp: Feeder) -> None:
    for comm in ("rm", "ls"):
        xp.play(refusal(comm, "page"), refusal(comm))
    assert [change for change, _ in told(xp)] == [OPENED, NEWS]


def test_ten_times_as_many_are_news(xp: Feeder) -> None:
    for _ in range(120):
        xp.play(refusal("rm", "page"), refusal("rm"))
    assert [change for change, _ in told(xp)] == [OPENED, NEWS, NEWS]
    endings = [text.rpartition(", ")[2] for _, text in told(xp)[1:]]
    assert endings == ["10 times since this alert began", "100 times since this alert began"]


def test_failures_that_the_agent_only_counted_count(xp: Feeder) -> None:
    """The board's ring had no room for their lines."""
    xp.play(refusal("rm"), replace(refusal("rm"), kind="more", number=8))
    assert [change for change, _ in told(xp)] == [OPENED]
    xp.play(replace(refusal("rm"), kind="more", number=21))
    assert told(xp)[1][1].endswith(", 30 times since this alert began")


def test_each_victim_is_news_and_told_once(xp: Feeder) -> None:
    xp.play(refusal("rm"), *kill("buddyd", 23), *kill("telnetd", 20), *kill("start-60k", 140), *kill("start-60k", 143))
    assert [change for change, _ in told(xp)] == [OPENED, NEWS, NEWS, NEWS]
    assert [text for _, text in told(xp)[1:]] == [
        "kernel: Killed process 23 (buddyd)",
        "kernel: Killed process 20 (telnetd)",
        "kernel: Killed process 140 (start-60k)",
    ]


def test_victim_that_opened_the_alert_is_told(xp: Feeder) -> None:
    xp.play(*kill("buddyd", 23))
    assert [text for _, text in told(xp)] == [
        "kernel: dmesg invoked oom-killer: gfp_mask=0xd0, order=3, oomkilladj=0",
        "kernel: Killed process 23 (buddyd)",
    ]


def test_a_new_kernels_victims_are_told_by_the_line_that_is_there(xp: Feeder) -> None:
    line = "Out of memory: Killed process 9 (httpd) total-vm:1kB, anon-rss:1kB, file-rss:0kB"
    xp.play(refusal("rm"), replace(kernel_event(next(NUMBERS[0]), 99_000, text=line), kind="kill", comm="httpd", pid=9))
    assert [text for _, text in told(xp)[1:]] == [f"kernel: {line}"]


def test_a_restart_of_the_collector_repeats_no_news(xp: Feeder) -> None:
    xp.play(*[refusal("rm") for _ in range(6)], refusal("ls"))
    before = told(xp)
    xp.restart()
    xp.play(refusal("ls"), *[refusal("rm") for _ in range(3)])
    assert told(xp) == before
    xp.play(refusal("rm"), refusal("cat"))
    tenth, other = [text for _, text in told(xp)[len(before) :]]
    assert tenth.endswith("(rm) failed, 10 times since this alert began")
    assert other.endswith("(cat) failed")


@pytest.mark.parametrize("is_restarted", [False, True], ids=["one-collector", "restarted"])
def test_the_next_alert_begins_anew(xp: Feeder, is_restarted: bool) -> None:
    xp.play(refusal("rm"), refusal("ls"))
    quiet = [snapshot(seq) for seq in range(2000, 2800)]  # more than an hour of uptime
    xp.play(*quiet)
    assert [change[2] for change, _ in told(xp)] == ["firing", "noted", "ok"]
    if is_restarted:
        xp.restart()
    later = [replace(refusal(comm), uptime_ms=15_000_000, time=quiet[-1].time + 60) for comm in ("rm", "ls", "ls")]
    xp.play(*later)
    assert [change[2] for change, _ in told(xp)] == ["firing", "noted", "ok", "firing", "noted"]


def test_a_flood_of_names_is_bounded() -> None:
    news = FailureNews()
    taken = [news.take(replace(refusal(f"x{number}"), boot_id=BOOT_ID)) for number in range(4000)]
    assert taken[:PROGRAMS_MAX] == [""] * PROGRAMS_MAX
    assert len([text for text in taken if text is not None]) <= PROGRAMS_MAX + 4
