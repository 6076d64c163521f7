"""Words for people: the mail of the seed's board, and what changes with rules, kernels and circumstances."""

import json
import time
from dataclasses import replace

import pytest
from buddywatch.analysis import board_state
from buddywatch.model import OVERWRITTEN, REBOOT, Event, Gap, Snapshot, Zone
from buddywatch.model_alerts import Incident, MessageFacts, Transition
from buddywatch.notify.message import PAYLOAD_SCHEMA, compose, compose_test
from buddywatch.notify.why import Asked

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
def _one_hour_east(monkeypatch):
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
    """What the composer hands over: states are nr_free by order, oldest first."""
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
    }
    return MessageFacts(**{**values, **changes})


def subject(*args, **kwargs):
    return compose(facts(*args, **kwargs)).subject


def body(*args, **kwargs):
    return compose(facts(*args, **kwargs)).body


def unfolded(text):
    """The text with every white space as one blank: where a line breaks is not the point."""
    return " ".join(text.split())


REFUSED = [transition("refused", "firing", "rm")]

THE_MAIL = """\
CRIT xp-07: the kernel refused 61440 bytes to rm (pid 6821) (+1 more)

Board   xp-07: Linux 2.6.30-uc0 on m68knommu, no MMU, pages of 4096 bytes
Since   2025-11-22 11:55:03 +0100, 3 d 2 h after its boot

Also
  - CRIT the kernel will refuse rm (61440 bytes) (occurred at 2025-11-22
    11:55:03 +0100)

The request, and what the kernel would answer
  rm needs 61440 bytes in one piece: 15 pages of 4096 bytes. The kernel hands
  out memory in blocks of 1, 2, 4, 8 ... pages only, so it takes a block of 16
  pages (64 kB; the kernel calls it order 4).
  By the snapshot of 11:55:08 the kernel would refuse it. A free block of 64
  kB is there, but this kernel demands that, once it is taken, some pages stay
  free in blocks of each size up to that one (its watermark, halved from size
  to size):

  in free blocks of         pages held  pages demanded
  any size                         821             106
  8 kB or larger                   790              61
  16 kB or larger                  696              38
  32 kB or larger                  528              27
  64 kB or larger                   16              21   5 too few

Memory
  free memory in all:                               3284 kB
  largest free block:                                 64 kB
  largest block that the kernel would hand out:       32 kB
  caches that it might reclaim:                      196 kB

The kernel's own words
  11:55:03  Allocation of length 61440 from process 6821 (rm) failed

The last snapshots, up to 2025-11-22 11:55:08 +0100
  time       free kB  grants kB  rm         free blocks of 1, 2, 4 ... pages
  11:55:03      3348         64  ok         31 47 42 64 2 0 0 0 0 0 0
  11:55:08      3284         32  refused    31 47 42 64 1 0 0 0 0 0 0

Lost snapshots
  - frames 41 to 77 (37 frames) of boot b00t1d: overwritten in the board's
    ring before they could be fetched

What to do
  - This board has no MMU, so its kernel cannot move memory together
    (compaction is impossible): only a reboot makes large blocks again. Plan
    one before the request is needed.
  - A program that is started again and again asks for its block every time.
    Start it once and let it sleep until there is work: then it asks once,
    just after boot.
  - In scripts, use what the shell has built in (echo, read, test, kill)
    instead of programs, and avoid pipes: each part of a pipe is a process of
    its own.
  - vm.nr_trim_pages is 1: the kernel splits the block of every program to
    give back its unused end. `echo 0 > /proc/sys/vm/nr_trim_pages` keeps
    blocks whole; programs then keep that end for themselves.

To hear no more of it for a while (it is recorded all the same)
  buddywatch silence xp-07 refused --for 4h --because "..."
"""


def test_compose_gives_the_whole_mail_of_the_failing_board():
    changes = [transition("refused", "firing", "rm"), transition("kernel_failure", "firing", id=2, incident_id=2)]
    gaps = (Gap(BOOT, 41, 77, OVERWRITTEN, T0),)
    message = compose(facts(changes, (BEFORE, FAILING), kernel_lines=(event(),), gaps=gaps))
    assert message.subject == "[buddywatch] CRIT xp-07: the kernel refused 61440 bytes to rm (pid 6821) (+1 more)"
    assert message.body == THE_MAIL


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("refused", "firing", "rm"), "CRIT xp-07: the kernel will refuse rm (61440 bytes)"),
        (("tight", "firing", "rm", "warning"), "WARN xp-07: rm (61440 bytes) is close to being refused"),
        (("kernel_failure", "firing"), "CRIT xp-07: kernel_failure as the rule says it"),
        (("silent", "firing"), "CRIT xp-07: silent as the rule says it"),
        (("rebooted", "noted", None, "warning"), "WARN xp-07: rebooted as the rule says it"),
        (("lost", "noted", None, "warning"), "WARN xp-07: lost as the rule says it"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_subject_says_who_and_what(change, expected):
    assert subject([transition(*change)]) == f"[buddywatch] {expected}"


@pytest.mark.parametrize(
    ("rule", "need", "expected"),
    [
        ("refused", "rm", "rm passes again after 2 h 10 min"),
        ("tight", "rm", "rm has room to spare again after 2 h 10 min"),
        ("kernel_failure", None, "no allocation fails any more after 2 h 10 min"),
        ("silent", None, "data comes again after 2 h 10 min"),
    ],
)
def test_a_recovery_says_so_and_how_long_it_lasted(rule, need, expected):
    changes = [transition(rule, "ok", need, time=T0 + 7805)]
    over = (incident(rule, need, closed=T0 + 7805),)
    message = compose(facts(changes, (AFTER_REBOOT,), incidents=over))
    assert message.subject == f"[buddywatch] OK xp-07: {expected}"
    assert "Lasted  2025-11-22 11:55:03 +0100 to 2025-11-22 14:05:08 +0100 (2 h 10 min)" in message.body
    assert "What to do" not in message.body and SILENCE not in message.body
    assert message.payload["severity"] == "ok"


def test_a_recovery_names_what_is_open_still_and_how_to_silence_it():
    changes = [transition("refused", "ok", "rm", time=T0 + 600)]
    incidents = (incident("tight", "rm", "warning", id=2), incident("refused", "rm", closed=T0 + 600))
    message = compose(facts(changes, (BEFORE,), incidents=incidents))
    assert message.subject == "[buddywatch] OK xp-07: rm passes again after 10 min (1 still open)"
    assert "Still open on this board\n  - WARN tight goes on (since 2025-11-22 11:55:03 +0100)" in message.body
    assert SILENCE in message.body


def test_a_trouble_that_is_over_by_now_is_told_as_over():
    changes = [transition("refused", "firing", "rm"), transition("refused", "ok", "rm", id=2, time=T0 + 90)]
    over = (incident("refused", "rm", closed=T0 + 90),)
    assert subject(changes, incidents=over) == "[buddywatch] OK xp-07: rm passes again after 1 min 30 s"


def test_the_gravest_comes_first_and_the_others_are_counted():
    changes = [
        transition("lost", "noted", severity="warning", incident_id=1),
        transition("silent", "ok", id=2, incident_id=2),
        transition("refused", "firing", "rm", id=3, incident_id=3),
    ]
    message = compose(facts(changes, incidents=()))
    assert message.subject == "[buddywatch] CRIT xp-07: the kernel will refuse rm (61440 bytes) (+2 more)"
    assert message.body.index("- WARN lost") < message.body.index("- OK data comes again")


def test_a_reminder_says_for_how_long():
    message = compose(facts([], incidents=(incident("refused", "rm", opened=T0 + 60 - 4 * 3600),)))
    assert message.subject == "[buddywatch] CRIT xp-07: the kernel will refuse rm (61440 bytes), for 4 h now"
    assert "64 kB or larger                   16              21   5 too few" in message.body


def test_facts_without_anything_to_tell_are_refused():
    with pytest.raises(ValueError, match="without a transition"):
        compose(facts([], incidents=()))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (event(), "the kernel refused 61440 bytes to rm (pid 6821)"),
        (event("page", 4, None), "the kernel refused a block of 16 pages to rm"),
        (event("oom", 0, None), "the kernel looks for a process to kill, as rm asked for a block of 1 page"),
        (event("kill", 0, 7), "the kernel killed rm (pid 7) for want of memory"),
        (event("vma", 0, 7, None), "the kernel has no memory for its own lists, asked by a process (pid 7)"),
    ],
    ids=lambda value: value.kind if isinstance(value, Event) else "",
)
def test_a_kernel_failure_is_told_in_numbers(line, expected):
    text = subject([transition("kernel_failure", "firing")], kernel_lines=(line,))
    assert text == f"[buddywatch] CRIT xp-07: {expected}"


def test_a_kernel_failure_is_that_of_its_own_line_and_plainer_than_its_companions():
    lines = (event("page", 4, None, seq=99), event(number=4096, pid=1, seq=99), event(seq=100))
    assert "61440 bytes to rm (pid 6821)" in subject([transition("kernel_failure", "firing")], kernel_lines=lines)
    assert "4096 bytes to rm (pid 1)" in subject([transition("kernel_failure", "firing", seq=5)], kernel_lines=lines)


def test_a_failed_request_that_is_no_need_is_explained_too():
    line = event(number=200_000, comm="httpd", text="Allocation of length 200000 from process 9 (httpd) failed")
    text = unfolded(body([transition("kernel_failure", "firing")], kernel_lines=(line,)))
    assert "httpd needs 200000 bytes in one piece: 49 pages" in text and "a block of 64 pages (256 kB" in text
    assert "No free block is as large as 256 kB" in text


def test_a_request_of_low_order_tells_of_the_oom_killer():
    small = [transition("refused", "firing", "small")]
    message = compose(facts(small, ((40, 20, 4, 0, 0, 0),), (Asked("small", 16384),)))
    assert message.subject == "[buddywatch] CRIT xp-07: small (16384 bytes) would make the kernel kill a process"
    assert "the kernel's OOM killer ends some process" in unfolded(message.body)


def test_a_request_of_high_order_does_not_tell_of_the_oom_killer():
    assert "OOM" not in body(REFUSED)


@pytest.mark.parametrize(
    ("states", "marks", "kernel", "expected"),
    [
        pytest.param(FAILING, (90, 112), "2.6.30", "A free block of 64 kB is there, but", id="reserve"),
        pytest.param((31, 47, 42, 64, 0), (90, 112), "2.6.30", "No free block is as large as 64 kB", id="pieces"),
        pytest.param((300, 90, 42, 9, 0), (90, 112), "6.1.0", "No free block is as large as 64 kB", id="new-rule"),
        pytest.param((2, 0, 0, 0, 3), (90, 112), "2.6.30", "Too little memory is free in all", id="too-little"),
        pytest.param(AFTER_REBOOT, (90, 112), "2.6.30", "would grant it, with 651 pages to spare", id="ok"),
        pytest.param((31, 47, 42, 64, 2), (240, 500), "2.6.30", "only at its second try", id="tight"),
        pytest.param(FAILING, (None, None), "2.6.30", "is not known: the board gives no watermarks", id="no-marks"),
        pytest.param(FAILING, (90, 112), "?", "is not known: its kernel release tells no rule", id="no-rule"),
    ],
)
def test_the_answer_gives_its_reason(states, marks, kernel, expected):
    text = body(REFUSED, (states,), marks=(*marks, None, 0), board={**XPORT, "kernel": kernel})
    assert expected in unfolded(text)


def test_an_unknown_page_size_is_told_and_guessed_by_nobody():
    text = unfolded(body(REFUSED, board={**XPORT, "page_bytes": "?"}))
    assert "page size could not be derived" in text and "4096" not in text


def test_a_program_is_explained_without_the_pages_that_its_start_takes():
    """Held in all: 36 pages, enough for 16 + 16; less the 6 of an exec, too few."""
    text = body(REFUSED, ((4, 0, 0, 0, 2),), marks=(16, 20, 24, 0))
    assert "any size                          30              32   2 too few" in text
    assert "(counted without the 6 single pages that starting a program takes first)" in text


def test_the_zone_that_offers_most_is_the_one_explained():
    poor, rich = snapshot(0, (9, 0, 0, 0, 0)).zones[0], Zone(0, "Normal", FAILING, 90, 112, 135, 0)
    both = replace(snapshot(0, FAILING), zones=(poor, rich))
    text = body(REFUSED, recent=(both,), state=board_state(both, XPORT, [RM]))
    assert "64 kB or larger                   16              21   5 too few" in text
    assert "  0/DMA: 9 0 0 0 0\n" in text and "  0/Normal: 31 47 42" in unfolded(text).replace("0/", "  0/")


@pytest.mark.parametrize(
    ("board", "said", "unsaid"),
    [
        pytest.param(XPORT, "only a reboot makes large blocks", "compact_memory", id="no-mmu"),
        pytest.param({**XPORT, "trim": "0"}, "only a reboot", "nr_trim_pages", id="no-mmu-without-trimming"),
        pytest.param(PC, "echo 1 > /proc/sys/vm/compact_memory", "Beware", id="compaction"),
        pytest.param({**PC, "kernel": "3.2.0-4"}, "Beware: kernels before 3.3", "no MMU", id="before-3.3"),
        pytest.param({**PC, "kernel": "2.6.32-642.el6.x86_64"}, "Beware", "no MMU", id="el6"),
        pytest.param({**PC, "compaction": "not-compiled"}, "CONFIG_COMPACTION", "compact_memory", id="not-compiled"),
        pytest.param({**PC, "nommu": "?", "compaction": "?"}, "A reboot, or ending", "compact", id="unknown"),
    ],
)
def test_advice_is_true_for_the_board(board, said, unsaid):
    text = unfolded(body(REFUSED, ((31, 47, 42, 64, 0),), board=board))
    assert said in text and unsaid not in text


def test_too_little_memory_in_all_is_no_matter_of_pieces():
    text = unfolded(body(REFUSED, ((2, 0, 0, 0, 3),)))
    assert "end programs that can be spared" in text and "compaction" not in text


def test_a_silent_board_that_never_spoke_is_told_without_numbers():
    message = compose(facts([transition("silent", "firing", uptime_ms=None)], states=(), board={}))
    assert "Board   xp-07: Linux of unknown release\nSince   2025-11-22 11:55:03 +0100\n" in message.body
    assert "its cable is in place" in unfolded(message.body)
    assert message.payload["state"] is None


@pytest.mark.parametrize(
    ("reason", "expected"),
    [(OVERWRITTEN, "ring of 32768 bytes was too small"), (REBOOT, "gone when the board or buddyd starts anew")],
)
def test_lost_snapshots_are_told_with_first_last_and_remedy(reason, expected):
    text = unfolded(body([transition("lost", "noted", severity="warning")], gaps=(Gap(BOOT, 41, 77, reason, T0),)))
    assert "frames 41 to 77 (37 frames) of boot b00t1d" in text and expected in text


def test_what_comes_late_says_when_it_occurred():
    text = body([transition("refused", "firing", "rm", late=True)])
    assert "Late    occurred at 2025-11-22 11:55:03 +0100; known here only now" in text
    assert "Late" not in body(REFUSED)


def test_what_a_board_sent_is_escaped_everywhere():
    nasty = "\x1b[2J\r\nBcc: x@y\u202e"
    line = event(comm=nasty, text=f"Allocation of length 61440 from process 6821 ({nasty}) failed")
    changes = [transition("kernel_failure", "firing"), transition("silent", "firing", text=nasty, id=2, incident_id=2)]
    message = compose(
        facts(changes, board={**XPORT, "kernel": nasty, "machine": nasty, "ring": nasty, "trim": nasty},
              kernel_lines=(line,), gaps=(Gap(nasty, 1, 2, OVERWRITTEN, T0),),
              incidents=(replace(incident("tight", "rm"), text=nasty),))
    )  # fmt: skip
    assert message.subject.isascii() and message.subject.isprintable()
    assert all(text.isascii() and text.isprintable() for text in message.body.splitlines())
    assert "\\x1b[2J" in message.subject and "\\u202e" in message.body
    assert not any(text.startswith("Bcc") for text in message.body.splitlines())


@pytest.mark.parametrize(
    "states", [(FAILING,) * 5, ((99999,) * 11,) * 5, ((12,) * 40,)], ids=["seed", "large", "40-orders"]
)
def test_lines_fit_78_columns_and_the_subject_stays_short(states):
    message = compose(facts([*REFUSED, transition("silent", "firing", id=2, incident_id=2, text="word " * 99)], states))
    assert max(map(len, message.body.splitlines())) <= 78
    assert len(message.subject) <= 220


def test_the_kernels_line_is_never_folded():
    text = "Allocation of length 61440 from process 6821 (rm) failed " + "and more " * 20
    assert f"  11:55:03  {text}\n" in body([transition("kernel_failure", "firing")], kernel_lines=(event(text=text),))


def test_the_payload_holds_everything_as_json():
    changes = [*REFUSED, transition("kernel_failure", "firing", id=2, incident_id=2)]
    message = compose(facts(changes, kernel_lines=(event(),), gaps=(Gap(BOOT, 41, 77, OVERWRITTEN, T0),)))
    payload = json.loads(json.dumps(message.payload, allow_nan=False))
    assert payload["schema"] == PAYLOAD_SCHEMA
    assert (payload["board"], payload["time"], payload["severity"]) == ("xp-07", T0 + 60, "critical")
    assert payload["what"] == "the kernel refused 61440 bytes to rm (pid 6821)"
    assert [(change["rule"], change["from"], change["to"]) for change in payload["transitions"]] == [
        ("refused", "pending", "firing"),
        ("kernel_failure", "pending", "firing"),
    ]
    assert payload["state"]["serviceable_bytes"] == 32768
    assert payload["state"]["needs"][0]["verdict"] == "refused"
    assert payload["snapshots"][0]["zones"][0]["nr_free"] == list(FAILING)
    assert payload["kernel_lines"][0]["text"] == KERNEL_LINE
    assert (payload["gaps"][0]["first"], payload["gaps"][0]["last"]) == (41, 77)
    assert payload["silence_commands"] == [SILENCE]
    assert payload["text"] == message.body


def test_the_test_message_has_the_same_keys():
    assert compose_test(T0).payload.keys() == compose(facts(REFUSED)).payload.keys()
    assert "Sent at 2025-11-22 11:55:03 +0100." in compose_test(T0).body
