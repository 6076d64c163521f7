"""One line of the kernel in the forms in which logs, terminals and tools show it: one failure, the same process."""

import pytest
from buddywatch.explain.answers import explain
from buddywatch.kernel_text.prefix import process_in, strip
from log_forms import FORMS

MESSAGE = "mmcqd/1: page allocation failure: order:2, mode:0x2204020"
OOM = "mmcqd/1 invoked oom-killer: gfp_mask=0x2204020, order=2, oom_score_adj=0"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("message", [MESSAGE, OOM], ids=["page", "oom"])
def test_process_is_found_behind_every_prefix(form, message):
    (failure,) = explain(form.format(message) + "\n").failures
    assert (failure.name, failure.order, failure.message.mode) == ("mmcqd/1", 2, 0x2204020)


LOGCAT = [
    "11-22 10:00:00.123     0     0 W mmcqd/1 : page allocation failure: order:2, mode:0x2204020",
    "W/mmcqd/1 (    0): page allocation failure: order:2, mode:0x2204020",
    "11-22 10:00:00.123 W/mmcqd/1 (    0): page allocation failure: order:2, mode:0x2204020",
    "W/mmcqd/1 : page allocation failure: order:2, mode:0x2204020",
]


@pytest.mark.parametrize("line", LOGCAT)
def test_logcat_takes_the_process_for_its_tag(line):
    (failure,) = explain(line).failures
    assert (failure.name, failure.order) == ("mmcqd/1", 2)


@pytest.mark.parametrize("form", [form for form in FORMS if "{{" not in form])
def test_length_is_found_behind_every_prefix(form):
    line = form.format("Allocation of length 61440 from process 6821 (rm) failed")
    (failure,) = explain(line).failures
    assert (failure.name, failure.message.pid, failure.requested_bytes) == ("rm", 6821, 61440)


@pytest.mark.parametrize("form", FORMS)
def test_failure_in_three_messages_is_one_behind_every_prefix(form):
    lines = [OOM, MESSAGE, "nommu: Allocation of length 16384 from process 94 (mmcqd/1) failed"]
    (failure,) = explain("\n".join(form.format(line) for line in lines)).failures
    assert failure.message.kinds == ["oom", "page", "alloc"]


NAMES = ["rm", "runc:[1:CHILD]", "in:imjournal", "irq/5-600c0004.", "kworker/0:1", "Web Content", "tmux: server"]
NAMES += ["kworker/u8:2-ev", "a b", "nc.traditional", "camsrc:src", "(sd-pam)", "gmain", "C2 CompilerThre", "sh"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prefix", ["", "[  533.797044] ", "Nov 22 10:00:00 board kernel: ", "> <4>"])
def test_names_of_all_kinds_are_kept(name, prefix):
    (failure,) = explain(f"{prefix}{name}: page allocation failure: order:2, mode:0xd0").failures
    assert failure.name == name


def test_name_in_full_nearby_decides():
    """An unknown prefix is left out with the help of the line that names the process by itself."""
    text = "unit 7 at night rm -x: page allocation failure: order:2, mode:0xd0\n"
    text += "CPU: 0 PID: 6821 Comm: rm -x Not tainted 4.4\n"
    (failure,) = explain(text).failures
    assert (failure.name, failure.message.pid) == ("rm -x", 6821)


@pytest.mark.parametrize("head", ["x" * 16, "one two three four five rm", "\u00fc" * 12])
def test_name_is_no_longer_than_the_kernel_allows(head):
    assert len(process_in(head).encode()) <= 15


TITLES = [
    "Subject: Re: page allocation failure. order:0, mode:0x20",
    "> Subject: mmcqd/1: page allocation failure: order:2, mode:0x2204020",
    "Re: page allocation failure: order:2, mode:0x2204020",
    "Fwd: [PATCH] mm: page allocation failure: order:2, mode:0x2204020",
    "[PATCH v2] mm: print page allocation failure: order:2",
    "<title>mmcqd/1: page allocation failure: order:2, mode:0x2204020</title>",
    "[Bug 12345] mmcqd/1: page allocation failure: order:2, mode:0x20",
    "Title: kswapd0: page allocation failure. order:0, mode:0xd0",
    "I see a page allocation failure and `rm` does not start",
    "What does page allocation failure mean?",
]


@pytest.mark.parametrize("title", TITLES)
def test_title_is_no_failure(title):
    assert not explain(title).failures
    (failure,) = explain(f"{title}\n\n{MESSAGE}\n").failures
    assert failure.line == 3


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        pytest.param(f"> > {MESSAGE}", f"> {MESSAGE}", 1, id="quoted-by-a-reply"),
        pytest.param(f"[  533.797044] {MESSAGE}", f"[  533.797044] {MESSAGE}", 1, id="same-stamp"),
        pytest.param(f"> [  533.797044] {MESSAGE}", f"[  533.797044] {MESSAGE}", 1, id="same-stamp-quoted"),
        pytest.param(f"[  533.790000] {MESSAGE}", f"[  533.790000] {MESSAGE}", 2, id="within-a-tick"),
        pytest.param(f"[  533.797044] {MESSAGE}", f"[  533.797045] {MESSAGE}", 2, id="another-stamp"),
        pytest.param(MESSAGE, MESSAGE, 2, id="no-stamp"),
        pytest.param(f"> {MESSAGE}", f"> > {MESSAGE.replace('mmcqd/1', 'rm')}", 2, id="another-process"),
    ],
)
def test_same_failure_quoted_twice_is_one(first, second, count):
    assert len(explain(f"{first}\n\nand\n\n{second}\n").failures) == count


@pytest.mark.parametrize(
    "line", ["# CONFIG_COMPACTION is not set", "Node 0, zone      DMA     31     47", "  123 root      sh"]
)
def test_lines_that_are_no_log_stay(line):
    assert strip(line)[0] == line.strip()


def test_stamp_is_read_in_seconds():
    assert strip("> [  533.797044][   T94] rm: x") == ("rm: x", 533.797044)
    assert strip("Nov 22 10:00:00 board kernel: rm: x") == ("rm: x", None)
