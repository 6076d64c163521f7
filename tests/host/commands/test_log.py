"""`buddywatch log`, and what counts as the kernel's message on a console that is shared with a shell."""

import time

import pytest
from boards import boot
from buddywatch.model.samples import ConsoleLine
from buddywatch.protocol.console_text import kernel_message
from buddywatch.store.store import Store
from runner import Runner

FAILED = "nommu: Allocation of length 61440 from process 37 (rm) failed"


@pytest.fixture
def buddywatch(tmp_path, capsys):
    runner = Runner(tmp_path, capsys)
    with Store.open(runner.db) as store:
        store.add_boot("roof", boot())
        now = time.time()
        for age_s, text in ((7200, "login: root"), (60, f"/ # {FAILED}"), (30, "\x1b[2Jpaint")):
            store.add_console("roof", ConsoleLine(now - age_s, text))
    return runner


def test_lines_are_shown_with_their_time_and_failures_marked(buddywatch):
    result = buddywatch("log", "roof")
    assert (result.code, result.err) == (0, "")
    assert [line[25:] for line in result.lines] == ["   login: root", f" ! / # {FAILED}", "   \\x1b[2Jpaint"]
    assert len(buddywatch("log", "roof", "--since", "1h").lines) == 2


def test_json_is_one_object(buddywatch):
    result = buddywatch("log", "--json", "roof")
    assert result.json["board"] == "roof"
    rows = result.json["lines"]
    assert [set(row) for row in rows] == [{"time", "text", "failure"}] * 3
    assert [row["failure"] for row in rows] == [False, True, False]
    assert rows[2]["text"] == "\x1b[2Jpaint"
    assert buddywatch("log", "roof", "--json", "--since", "1s").json["lines"] == []


def test_unknown_board_is_an_error(buddywatch):
    result = buddywatch("log", "cellar")
    assert (result.code, result.err) == (2, "buddywatch: no board 'cellar'; known: roof\n")


KERNEL = [
    (FAILED, "alloc", "rm", None),
    (f"/ # {FAILED}", "alloc", "rm", None),
    (f"root@board:~$ ls -l /va{FAILED}", "alloc", "rm", None),
    (f"/ # <4>[   14.120000] {FAILED}", "alloc", "rm", 1412),
    (f"~ # [   14.120000] {FAILED}", "alloc", "rm", 1412),
    ("/ # rm: page allocation failure. order:4, mode:0xd0", "page", "rm", None),
    ("/ # [    1.000000] rm: page allocation failure. order:4, mode:0xd0", "page", "rm", 100),
    ("# rm invoked oom-killer: gfp_mask=0xd0, order=2, oomkilladj=0", "oom", "rm", None),
    ("$ Out of memory: Kill process 7 (rm) score 12 or sacrifice child", "kill", "rm", None),
    ("half a comKilled process 7 (rm) total-vm:1kB", "kill", "rm", None),
    ("/ # Unable to allocate RAM for process text/data, errno 12", "load", None, None),
    ("rm invoked oom-killer: gfp_mask=0xd0, order=2, oomkilladj=0", "oom", "rm", None),
]


@pytest.mark.parametrize(("text", "kind", "comm", "stamp_cs"), KERNEL, ids=lambda value: str(value)[:30])
def test_kernel_message_is_found_behind_a_prompt(text, kind, comm, stamp_cs):
    found, stamp, line = kernel_message(text)
    assert (found[0], found[3], stamp) == (kind, comm, stamp_cs)
    assert text.endswith(line)


@pytest.mark.parametrize(
    "text", ["", "/ # ls", "# dmesg", "Killed", "[ 1.0] eth0: link up", "> > > > ", "Allocation of length"]
)
def test_other_text_is_none(text):
    assert kernel_message(text) is None
