"""Words for people: the mail of the seed's board, and what changes with rules, kernels and circumstances."""

import json
import re
from dataclasses import replace

import pytest
from alert_facts import (
    AFTER_REBOOT,
    BEFORE,
    BOOT,
    FAILING,
    KERNEL_LINE,
    PC,
    REFUSED,
    RM,
    SILENCE,
    T0,
    XPORT,
    event,
    facts,
    incident,
    one_hour_east,  # noqa: F401 - a fixture
    snapshot,
    transition,
)
from buddywatch.model.memory_map import MappedProgram, Rescue
from buddywatch.model.samples import OVERWRITTEN, REBOOT, Gap, Zone
from buddywatch.notify.message import PAYLOAD_SCHEMA, compose, compose_test
from buddywatch.notify.why import Asked, snapshot_lines, totals_lines
from buddywatch.verdict.judge import board_state


def body(*args, **kwargs):
    return compose(facts(*args, **kwargs)).body


def unfolded(text):
    """The text with every white space as one blank: where a line breaks is not the point."""
    return " ".join(text.split())


THE_MAIL = """\
CRIT xp-07: the kernel refused 61440 bytes to rm (pid 6821) (+1 more)
Since   2025-11-22 11:55:03 +0100, 3 d 2 h after its boot
Board   xp-07: Linux 2.6.30-uc0 on m68knommu, no MMU, pages of
        4096 bytes

First
  - Do not try again from the same shell: before Linux 3.18 each refused
    start damages the shell that tried it, and later commands fail in
    odd ways. The kernel lets the shell go on before it asks for the
    program's memory (fs/binfmt_flat.c), and after a refusal both run on
    one stack.

Also
  - CRIT rm can no longer start (needs a 64 kB block) (at 2025-11-22
    11:55:03 +0100)

Kernel messages
  11:55:03  Allocation of length 61440 from process 6821 (rm) failed

The request, and what the kernel answers
  rm needs 61440 bytes in one piece: 15 pages of 4096 bytes. The kernel
  hands out memory in blocks of 1, 2, 4, 8 ... pages only, so it takes a
  block of 16 pages (64 kB; the kernel calls it order 4).
  At 11:55:08 this request would have failed. A free block of 64 kB
  exists, but after taking it too few pages would stay free in blocks of
  some size up to that one (the watermark, halved from size to size):

  in blocks of              pages free  pages required
  any size                         821             106
  8 kB or larger                   790              61
  16 kB or larger                  696              38
  32 kB or larger                  528              27
  64 kB or larger                   16              21   short by 20 kB

See: `buddywatch explain xp-07`, `buddywatch watch xp-07`

Mute (it is still recorded)
  buddywatch silence xp-07 refused --for 4h --because "..."

More: `buddywatch alerts --explain 1`.
"""


def test_compose_gives_the_whole_mail_of_the_failing_board():
    changes = [transition("refused", "firing", "rm"), transition("kernel_failure", "firing", id=2, incident_id=2)]
    gaps = (Gap(BOOT, 41, 77, OVERWRITTEN, T0),)
    message = compose(facts(changes, (BEFORE, FAILING), kernel_lines=(event(),), gaps=gaps))
    assert message.subject == "[buddywatch] CRIT xp-07: the kernel refused 61440 bytes to rm (pid 6821) (+1 more)"
    assert message.body == THE_MAIL


def test_facts_without_anything_to_tell_are_refused():
    with pytest.raises(ValueError, match="without a transition"):
        compose(facts([], incidents=()))


def test_a_failed_request_that_is_no_need_is_explained_too():
    line = event(number=200_000, comm="httpd", text="Allocation of length 200000 from process 9 (httpd) failed")
    text = unfolded(body([transition("kernel_failure", "firing")], kernel_lines=(line,)))
    assert "httpd needs 200000 bytes in one piece: 49 pages" in text and "a block of 64 pages (256 kB" in text
    assert "No free block is as large as 256 kB" in text


def test_a_request_of_low_order_tells_of_the_oom_killer():
    small = [transition("refused", "firing", "small")]
    message = compose(facts(small, ((40, 20, 4, 0, 0, 0),), (Asked("small", 16384),)))
    assert message.subject == "[buddywatch] CRIT xp-07: small will make the kernel kill a process (needs a 16 kB block)"
    assert "the kernel's OOM killer kills a process" in unfolded(message.body)


def test_a_request_of_high_order_does_not_tell_of_the_oom_killer():
    assert "OOM" not in body(REFUSED)


@pytest.mark.parametrize(
    ("states", "marks", "kernel", "expected"),
    [
        pytest.param(FAILING, (90, 112), "2.6.30", "A free block of 64 kB exists, but", id="reserve"),
        pytest.param((31, 47, 42, 64, 0), (90, 112), "2.6.30", "No free block is as large as 64 kB", id="pieces"),
        pytest.param((300, 90, 42, 9, 0), (90, 112), "6.1.0", "No free block is as large as 64 kB", id="new-rule"),
        pytest.param((2, 0, 0, 0, 3), (90, 112), "2.6.30", "Total free memory is too small", id="too-little"),
        pytest.param(AFTER_REBOOT, (90, 112), "2.6.30", "would have succeeded, with 651 pages to spare", id="ok"),
        pytest.param((31, 47, 42, 64, 2), (240, 500), "2.6.30", "only at the kernel's second try", id="tight"),
        pytest.param(FAILING, (None, None), "2.6.30", "is not known: the board has no watermarks", id="no-marks"),
        pytest.param(FAILING, (90, 112), "?", "is not known: no rule is known for this kernel", id="no-rule"),
    ],
)
def test_the_answer_gives_its_reason(states, marks, kernel, expected):
    text = body(REFUSED, (states,), marks=(*marks, None, 0), board={**XPORT, "kernel": kernel})
    assert expected in unfolded(text)


def test_an_unknown_page_size_is_told_and_guessed_by_nobody():
    text = unfolded(body(REFUSED, board={**XPORT, "page_bytes": "?"}))
    assert "page size is not known" in text and "4096" not in text


def test_a_program_is_explained_without_the_pages_that_its_start_takes():
    """Held in all: 36 pages, enough for 16 + 16; less the 6 of an exec, too few."""
    text = body(REFUSED, ((4, 0, 0, 0, 2),), marks=(16, 20, 24, 0))
    assert "any size                          30              32   short by 8 kB" in text
    assert "(counted without the 6 single pages that starting a program takes first)" in unfolded(text)


def test_the_zone_that_offers_most_is_the_one_explained():
    poor, rich = snapshot(0, (9, 0, 0, 0, 0)).zones[0], Zone(0, "Normal", FAILING, 90, 112, 135, 0)
    both = replace(snapshot(0, FAILING), zones=(poor, rich))
    state = board_state(both, XPORT, [RM])
    text = body(REFUSED, recent=(both,), state=state)
    assert "64 kB or larger                   16              21   short by 20 kB" in text
    table = "\n".join(snapshot_lines((both,), XPORT, state, None))
    assert "0/DMA: 9 0 0 0 0\n" in table and "0/Normal: 31 47 42" in table


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
    assert "end programs that are not needed" in text and "compaction" not in text


def test_a_silent_board_that_never_spoke_is_told_without_numbers():
    message = compose(facts([transition("silent", "firing", uptime_ms=None)], states=(), board={}))
    assert "Since   2025-11-22 11:55:03 +0100\nBoard   xp-07: Linux of unknown release\n" in message.body
    assert "that its cable is in place" in unfolded(message.body)
    assert message.payload["state"] is None


def test_a_silent_board_says_what_its_link_said_and_how_long_its_ring_lasts():
    silent = {"link": "connection refused for 14 min: the board is up, the agent is gone", "ring": "holds it"}
    text = unfolded(body([transition("silent", "firing")], **silent))
    assert "Link connection refused for 14 min: the board is up, the agent is gone Ring holds it " in text
    assert "Link  " not in body(REFUSED, **silent) and "Link  " not in body([transition("silent", "ok")], **silent)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [(OVERWRITTEN, "ring of 32768 bytes was too small"), (REBOOT, "empty after a restart of the board or of buddyd")],
)
def test_lost_snapshots_are_told_with_first_last_and_remedy(reason, expected):
    text = unfolded(body([transition("lost", "noted", severity="warning")], gaps=(Gap(BOOT, 41, 77, reason, T0),)))
    assert "frames 41 to 77 (37 frames) of boot b00t1d" in text and expected in text


def test_what_comes_late_says_when_it_occurred():
    text = body([transition("refused", "firing", "rm", late=True)])
    assert "Delayed happened at 2025-11-22 11:55:03 +0100, received only now" in text
    assert "Delayed" not in body(REFUSED)


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
def test_a_mail_fits_a_phone_and_the_subject_stays_short(states):
    message = compose(facts([*REFUSED, transition("silent", "firing", id=2, incident_id=2, text="word " * 99)], states))
    assert max(map(len, message.body.splitlines())) <= 72
    assert len(message.body.splitlines()) <= 40
    assert len(message.subject) <= 220


def test_a_flood_of_kernel_lines_leaves_room_for_the_arithmetic():
    lines = tuple(event(text=f"Allocation of length 61440 from process {n} (rm) failed", seq=n) for n in range(40))
    text = body([transition("kernel_failure", "firing")], kernel_lines=lines)
    assert "process 39 (rm)" in text and "process 35 (rm)" not in text
    assert "64 kB or larger                   16              21   short by 20 kB" in text


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


@pytest.mark.parametrize(
    ("fact", "kb", "said"),
    [
        pytest.param(
            "ram,rom",
            196,
            {"caches that the kernel can free": 0, "files in RAM that are listed as caches": 196},
            id="only-in-ram",
        ),
        pytest.param("rom,disk", 196, {"caches that the kernel can free": 196}, id="none-in-ram"),
        pytest.param("ram,disk", 196, {"caches that the kernel can free, at most": 196}, id="both"),
        pytest.param("rom", 0, {"caches that the kernel can free": 0}, id="nothing-cached"),
    ],
)
def test_files_in_ram_are_no_caches(fact, kb, said):
    shot = replace(snapshot(0, FAILING), reclaimable_pages=kb // 4)
    text = "\n".join(totals_lines(board_state(shot, {**XPORT, "files": fact}, [])))
    rows = dict(re.findall(r"^  ((?:caches|files in RAM)[^:]*): +(\d+) kB$", text, re.MULTILINE))
    assert rows == {row: str(value) for row, value in said.items()}


@pytest.mark.parametrize(
    ("board", "rule", "retry", "dmesg"),
    [
        pytest.param(XPORT, "kernel_failure", True, True, id="2.6.30"),
        pytest.param({**XPORT, "kernel": "3.18.20"}, "kernel_failure", False, True, id="3.18"),
        pytest.param(PC, "kernel_failure", False, False, id="mmu"),
        pytest.param(XPORT, "refused", False, False, id="nothing-failed-yet"),
    ],
)
def test_what_makes_a_failure_worse(board, rule, retry, dmesg):
    text = unfolded(body([transition(rule, "firing", "rm" if rule == "refused" else None)], board=board))
    assert ("Do not try again from the same shell" in text, "not even `dmesg`" in text) == (retry, dmesg)


def test_refused_mail_names_whose_end_helps_first():
    job = MappedProgram(31, "start-60k", 600, ((0x403C0, 15),))
    told = facts(REFUSED, rescues=(Rescue("rm", (job,), 4096, T0),))
    text = unfolded(compose(told).body)
    assert "First - rm would succeed if start-60k (pid 31, 60 kB at 0x403c0000) ended (by the map of 11:55:03);" in text
    assert "less may be enough. `buddywatch map xp-07` shows who holds what." in text
    assert compose(told).payload["rescues"] == [
        {
            "need": "rm",
            "map_time": T0,
            "programs": [{"pid": 31, "name": "start-60k", "bytes": 61440, "started_s": 600}],
        }
    ]
    assert "would succeed" not in body(REFUSED)
