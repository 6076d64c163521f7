"""`buddywatch explain BOARD`: a stored moment in the words of `explain FILE`."""

import time

import pytest
from boards import boot, kernel_event, refused, snapshot
from feeder import Feeder
from livefleet import FAILING, settings, tell

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
