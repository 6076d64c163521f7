"""`buddywatch explain BOARD`: a stored moment in the words of `explain FILE`."""

import re
import time

import pytest
from boards import boot, config, kernel_event, refused, snapshot
from buddywatch.model.alerts import Occasion
from buddywatch.notify.gather import MessageMaker
from feeder import Feeder
from livefleet import FAILING, FALLING, settings, tell
from mapboards import PROGRAMS, put_map

CONFIG = '[[need]]\nname = "rm"\nbytes = 61440\n[[need]]\nname = "httpd"\nbytes = 200000\n'


@pytest.fixture
def week(buddywatch, store):
    buddywatch.config.write_text(CONFIG)
    with store.batch():
        tell(store, "bad", FAILING, time.time())
    return buddywatch


def test_now_it_fails_and_a_week_ago_it_did_not(week):
    now = week("explain", "bad")
    assert now.code == 1
    assert now.lines[0].startswith("bad at 2") and "Would fail: httpd, a 256 kB block." in now.out
    assert "no MMU" in now.out and "reboot: that alone makes large blocks again" in now.out
    before = week("explain", "bad", "--at", "6d")
    assert before.code == 0 and "Succeeds: " in before.out


def test_it_is_json_and_markdown_as_well(week):
    [state] = week("explain", "bad", "--json").json["states"]
    assert state["min_pages"] == 70 and state["largest_free_block_bytes"] == 32_768
    assert "**Would fail:**" in week("explain", "bad", "--markdown").out


@pytest.fixture
def recovered(buddywatch, store):
    """`rm` failed at 50 s; a minute later jobs had ended, and there was room again."""
    buddywatch.config.write_text(CONFIG)
    with store.batch():
        shots = [snapshot(seq) if seq not in (9, 10) else refused(seq) for seq in range(1, 23)]
        Feeder(store, settings(), "xp").play(boot(nommu="1"), *shots[:10], kernel_event(11, 50_400), *shots[11:])
    return buddywatch


def test_failure_is_explained_by_the_state_of_its_time_and_not_of_now(recovered):
    now = recovered("explain", "xp")
    text = " ".join(now.out.split())
    assert now.code == 1
    assert "Why: a block of 64 kB is free, but kept in reserve" in text and "First: reboot" in text
    assert "ask again" not in text and "trying again from the same shell" in text
    (failure,) = recovered("explain", "xp", "--json").json["failures"]
    assert (failure["verdict"], failure["state"]) == ("refused", 0)
    assert "61440 bytes: FAILS before, succeeds after" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "nobody: cannot be read (No such file or directory); give a file, a board's name, or -"),
        (["nobody", "--at", "2h"], "no board 'nobody'; known: bad"),
        (["bad", "--at", "30d"], "no snapshot of bad is stored before"),
        (["--at", "2h"], "--at needs the name of one board"),
        (["bad", "--at", "never"], "expected a duration such as"),
    ],
)
def test_wrong_use_is_one_line(week, arguments, said):
    result = week("explain", *arguments)
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1


def test_a_file_goes_before_a_board_of_its_name(week, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad").write_text(
        "Node 0, zone      DMA      2      8      3     12      0      1      0      1      0      1      0\n"
    )
    assert "as it was stored" not in week("explain", "bad").out


def test_whose_end_would_help_is_said_as_the_mail_says_it(buddywatch, store):
    store.add_boot("xp", boot(nommu="1", trim="1"))
    put_map(store, PROGRAMS)
    text = " ".join(buddywatch("explain", "xp").out.split())
    ends = "On this board - rm would succeed if ht?tpd (pid 40, 160 kB at 0x40400000) ended"
    assert ends in text and text.index(ends) < text.index("Linux 2.6.30-uc0")
    found = buddywatch("explain", "xp", "--json").json
    assert (found["ends_together"], found["reboot"]) == ([{"need": "rm", "pids": [40]}], None)
    put_map(store, PROGRAMS[:2], 7200, 1500)
    assert "On this board" not in buddywatch("explain", "xp").out  # nobody's end is known to help now
    assert ends in " ".join(buddywatch("explain", "xp", "--at", "2023-11-15T00:00:00+00:00").out.split())


def test_the_reboot_window_is_that_of_now(buddywatch, store):
    buddywatch.config.write_text(CONFIG + '[[window]]\nfrom = "00:00"\nto = "23:59"\n')
    with store.batch():
        tell(store, "falling", FALLING, time.time())
    now = buddywatch("explain", "falling")
    assert "On this board" in now.out and "reboot window" in now.out.lower()
    assert "reboot window" not in buddywatch("explain", "falling", "--at", "6d").out.lower()


def test_mail_and_explanation_name_the_same_value(buddywatch, store):
    """Refused by the marks alone: blocks are there, and a lower reserve would let them go."""
    feeder = Feeder(store, config())
    feeder.play(boot(nommu="1"), *(snapshot(seq, (10, 1, 3, 1, 0, 0, 1, 0, 0, 0, 0)) for seq in (1, 2)))
    made = MessageMaker(store, config()).make([Occasion("xp", feeder.time, (), tuple(store.incidents("xp")))])
    (line,) = set(re.findall(r"echo \d+ > /proc/sys/vm/min_free_kbytes", made.body))
    assert f"At once: `{line}` (now 360)" in " ".join(made.body.split())
    assert line in buddywatch("explain", "xp").out
    assert "See: `buddywatch explain xp`, `buddywatch watch xp`" in made.body
