"""The facts of messages: the board of the first failure, one hour east of Greenwich."""

import time

import pytest
from buddywatch.model.alerts import Incident, Transition
from buddywatch.model.message_facts import MessageFacts
from buddywatch.model.samples import Event, Snapshot, Zone
from buddywatch.notify.why import Asked
from buddywatch.verdict.judge import board_state

T0 = 1763808903.0  # 2025-11-22 10:55:03 UTC
BOOT = "b00t1d"
# The board of the failure that the project began with: BusyBox' rm on 2.6.30, a lone free 64 kB block.
FAILING = (31, 47, 42, 64, 1, 0, 0, 0, 0, 0, 0)
BEFORE = (31, 47, 42, 64, 2, 0, 0, 0, 0, 0, 0)
AFTER_REBOOT = (2, 8, 3, 12, 0, 1, 0, 1, 0, 1, 0)
XPORT = {
    "kernel": "2.6.30-uc0",
    "machine": "m68knommu",
    "nommu": "1",
    "compaction": "impossible",
    "page_bytes": "4096",
    "trim": "1",
    "ring": "32768",
}
PC = {"kernel": "6.1.0-30-amd64", "machine": "x86_64", "nommu": "0", "compaction": "supported", "page_bytes": "4096"}
RM = Asked("rm", 61440, is_program=True)
SILENCE = 'buddywatch silence xp-07 refused --for 4h --because "..."'
KERNEL_LINE = "Allocation of length 61440 from process 6821 (rm) failed"


@pytest.fixture(autouse=True)
def one_hour_east(monkeypatch):
    """Local time is UTC + 1 h in every test of a module that imports this."""
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def snapshot(number, nr_free, marks=(90, 112, 135, 0), name="DMA"):
    zone = Zone(0, name, tuple(nr_free), *marks)
    pages = sum(count << order for order, count in enumerate(nr_free))
    up_ms = 268_000_000 + 5000 * number
    return Snapshot(BOOT, 100 + number, 100 + number, T0 + 5 * number, up_ms, (zone,), None, pages, 49, 353)


def transition(rule, to, need=None, severity="critical", **changes):
    values = {
        "id": 1, "incident_id": 1, "board": "xp-07", "rule": rule, "need": need, "from_": "pending", "to": to,
        "severity": severity, "time": T0, "seq": 100, "boot_id": BOOT, "uptime_ms": 268_000_000,
        "text": f"{rule} as the rule says it", "late": False,
    }  # fmt: skip
    return Transition(**{**values, **changes})


def incident(rule, need=None, severity="critical", opened=T0, closed=None, id=1):
    return Incident(id, "xp-07", rule, need, severity, "firing", opened, closed, f"{rule} goes on", None, None)


def event(kind="alloc", number=61440, pid=6821, comm="rm", text=KERNEL_LINE, seq=100):
    return Event(BOOT, seq, T0, 268_000_000, kind, number, pid, comm, text)


def facts(transitions, states=(FAILING,), needs=(RM,), board=XPORT, marks=(90, 112, 135, 0), **changes):
    """The facts of a message: states are nr_free by order, oldest first."""
    recent = tuple(snapshot(number, nr_free, marks) for number, nr_free in enumerate(states))
    values = {
        "board": "xp-07",
        "time": T0 + 60,
        "transitions": tuple(transitions),
        "incidents": tuple(incident(change.rule, change.need) for change in transitions[:1]),
        "state": board_state(recent[-1], board, needs) if recent else None,
        "recent": recent,
        "facts": board,
        "silence_commands": (SILENCE,),
        "programs": tuple(need.name for need in needs if need.is_program),
    }
    return MessageFacts(**{**values, **changes})


REFUSED = [transition("refused", "firing", "rm")]
