"""`buddywatch explain` as a user runs it: the story in words, its options, its exit codes."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from programfiles import flat
from runner import ENV

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
SEED = str(FIXTURES / "reports" / "seed.txt")
CAPTURES = FIXTURES / "captures"
BUDDYINFO = "Node 0, zone      DMA     31     47     42     64      1      0      0      0      0      0      0 \n"
AFTER_REBOOT = "Node 0, zone      DMA      2      8      3     12      0      1      0      1      0      1      0 \n"
OLD_BOARD = ("--kernel", "2.6.30", "--page-kb", "4", "--min-kb", "360")


@pytest.fixture
def state(tmp_path):
    path = tmp_path / "buddyinfo"
    path.write_text(BUDDYINFO)
    return str(path)


def words(result):
    return " ".join(result.out.split())


# --- captures: the logs of real boards ---


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(
            "frag-4k-bflt/dmesg.txt", [("rm", 37, 61440, 4, "refused", -16, "fragmented", 16384)], id="frag-4k"
        ),
        pytest.param("frag-4k-bflt/kmsg.txt", [("rm", 37, 61440, 4, "refused", -16, "fragmented", 16384)], id="levels"),
        pytest.param(
            "frag-8k-elf/dmesg.txt", [("rm", 37, 65536, 3, "refused", -8, "fragmented", 32768)], id="oom-and-8k-pages"
        ),
        pytest.param("fresh-4k-bflt/dmesg.txt", None, id="fresh"),
        pytest.param(
            "earlier-logs/frag-61440.dmesg.txt",
            [
                ("sleep", 22, 98304, 5, "refused", -32, "fragmented", 65536),
                ("rm", 24, 61440, 4, "refused", -16, "fragmented", 16384),
                ("rm", 25, 61440, 4, "refused", -16, "fragmented", 16384),
                ("ls", 26, 98304, 5, "refused", -32, "fragmented", 16384),
                ("dmesg", 28, 98304, 5, "refused", -32, "fragmented", 16384),
            ],
            id="several-in-a-row",
        ),
        pytest.param(
            "frag-4k-bflt-2.6.30-files/dmesg.txt",
            [("rm", 166, 61440, 4, "refused", -5, "reserve", 32768)],
            id="2.6.30-files",
        ),
        pytest.param(
            "frag-4k-bflt-2.6.30-noagent/kmsg.txt",
            [("rm", 101, 61440, 4, "refused", -5, "reserve", 32768)],
            id="2.6.30-levels",
        ),
        pytest.param(
            "frag-4k-bflt-2.6.30-cron/dmesg.txt",
            [
                ("rm", 325, 61440, 4, "refused", -5, "reserve", 32768),
                ("start-60k", 326, 61440, 4, "refused", -5, "reserve", 32768),
            ],
            id="2.6.30-cron",
        ),
        pytest.param("fresh-4k-bflt-2.6.30/dmesg.txt", None, id="2.6.30-fresh"),
        pytest.param("frag-arm/dmesg.txt", [("sleep", 101, 241664, 6, "refused", -64, "fragmented", 131072)], id="arm"),
        pytest.param(
            "frag-rv32/dmesg.txt", [("sleep", 46, 294912, 7, "refused", -128, "fragmented", 262144)], id="rv32"
        ),
        pytest.param(
            "frag-rv64/dmesg.txt", [("sleep", 46, 282624, 7, "refused", -128, "fragmented", 262144)], id="rv64"
        ),
        pytest.param(
            "frag-rv64-2-cpus/dmesg.txt",
            [("sleep", 52, 282624, 7, "refused", -128, "fragmented", 262144)],
            id="rv64-2-cpus",
        ),
        pytest.param("fresh-rv64/dmesg.txt", None, id="rv64-fresh"),
    ],
)
def test_capture_gets_its_answer(buddywatch, path, expected):
    result = buddywatch("explain", "--json", str(CAPTURES / path))
    if expected is None:
        assert result.code == 2
        return
    keys = ("process", "pid", "requested_bytes", "order", "verdict", "margin_pages", "reason", "serviceable_bytes")
    assert [tuple(failure[key] for key in keys) for failure in result.json["failures"]] == expected


@pytest.mark.parametrize(
    ("capture", "page_bytes", "serviceable_bytes", "verdict"),
    [
        pytest.param("frag-4k-bflt", 4096, 16384, "refused", id="frag-4k"),
        pytest.param("frag-8k-elf", 8192, 32768, "refused", id="frag-8k"),
        pytest.param("fresh-4k-bflt", 4096, 524288, "ok", id="fresh-4k"),
        pytest.param("fresh-8k-elf", 8192, 2097152, "ok", id="fresh-8k"),
        pytest.param("fresh-4k-bflt-2.6.30", 4096, 4194304, "ok", id="fresh-2.6.30"),
        pytest.param("frag-4k-bflt-2.6.30-files", 4096, 16384, "refused", id="files-2.6.30"),
        pytest.param("frag-4k-bflt-2.6.30-cron", 4096, 32768, "refused", id="cron-2.6.30"),
        pytest.param("frag-4k-bflt-2.6.30-noagent", 4096, 16384, "refused", id="noagent-2.6.30"),
    ],
)
def test_proc_texts_get_page_size_marks_and_verdict(buddywatch, capture, page_bytes, serviceable_bytes, verdict):
    kernel = {"release": "6.1.192", "rule": "new", "no_mmu": True, "compaction": "impossible"}
    if "2.6.30" in capture:
        kernel |= {"release": "2.6.30", "rule": "old"}
    names = ("buddyinfo", "zoneinfo", "meminfo", "vmstat", "version", "pagetypeinfo", "sys/vm/nr_trim_pages")
    files = [str(CAPTURES / capture / "proc" / name) for name in names]
    result = buddywatch("explain", "--json", "--need", "61440", *files)
    answer = result.json
    (state,) = [state for state in answer["states"] if state["zone"] == "DMA"]
    assert answer["page_bytes"] == page_bytes
    assert answer["kernel"] == kernel
    assert (state["marks_from"], state["serviceable_bytes"]) == ("zoneinfo", serviceable_bytes)
    assert answer["needs"][0]["verdict"] == verdict
    assert result.code == (1 if verdict == "refused" else 0)


@pytest.mark.parametrize(
    ("capture", "zone", "needed_bytes", "serviceable_bytes", "verdict"),
    [
        pytest.param("fresh-arm", "Normal", 241664, 4194304, "ok", id="fresh-arm"),
        pytest.param("frag-arm", "Normal", 241664, 131072, "refused", id="frag-arm"),
        pytest.param("fresh-rv32", "Normal", 294912, 2097152, "ok", id="fresh-rv32"),
        pytest.param("frag-rv32", "Normal", 294912, 262144, "refused", id="frag-rv32"),
        pytest.param("fresh-rv64", "DMA32", 282624, 2097152, "ok", id="fresh-rv64"),
        pytest.param("frag-rv64", "DMA32", 282624, 262144, "refused", id="frag-rv64"),
        pytest.param("fresh-rv64-2-cpus", "DMA32", 282624, 2097152, "ok", id="fresh-rv64-2-cpus"),
        pytest.param("frag-rv64-2-cpus", "DMA32", 282624, 262144, "refused", id="frag-rv64-2-cpus"),
    ],
)
def test_proc_texts_of_other_processors(buddywatch, capture, zone, needed_bytes, serviceable_bytes, verdict):
    files = [
        str(CAPTURES / capture / "proc" / name) for name in ("buddyinfo", "zoneinfo", "meminfo", "vmstat", "version")
    ]
    answer = buddywatch("explain", "--json", "--need", str(needed_bytes), *files).json
    (state,) = answer["states"]
    kernel = answer["kernel"]
    assert (kernel["release"], kernel["rule"], kernel["no_mmu"], answer["page_bytes"]) == ("6.1.176", "new", True, 4096)
    assert (state["zone"], state["serviceable_bytes"], answer["needs"][0]["verdict"]) == (
        zone,
        serviceable_bytes,
        verdict,
    )


# --- options ---


def test_need_is_judged_in_a_state_without_a_failure(buddywatch, state):
    (need,) = buddywatch("explain", state, *OLD_BOARD, "--need", "60k", "--json").json["needs"]
    assert (need["bytes"], need["order"], need["verdict"], need["margin_pages"]) == (61440, 4, "refused", -5)
    assert need["trace"][-1] == {"order": 4, "free_pages": 16, "mark_pages": 21}


def test_without_marks_nothing_is_guessed(buddywatch, state):
    result = buddywatch("explain", state, "--kernel", "2.6.30", "--page-kb", "4", "--need", "61440")
    assert "The watermarks" in words(result)
    assert "--min-kb" in words(result)
    assert "Unknown is not an all-clear" in words(result)
    assert result.code == 1


def test_min_free_kbytes_in_the_text_makes_marks_that_are_called_an_estimate(buddywatch, tmp_path, state):
    path = tmp_path / "min_free_kbytes"
    path.write_text("360\n")
    args = ("--kernel", "2.6.30", "--page-kb", "4", "--need", "61440")
    (need,) = buddywatch("explain", state, str(path), *args, "--json").json["needs"]
    assert (need["verdict"], need["notes"]) == ("refused", ["estimated-marks"])
    assert "an estimate" in words(buddywatch("explain", state, str(path), *args))


def test_without_a_page_size_bytes_stay_unknown(buddywatch, state):
    answer = buddywatch("explain", state, "--kernel", "2.6.30", "--need", "61440", "--json").json
    assert answer["page_bytes"] is None
    assert answer["needs"][0]["verdict"] is None


def test_unknown_kernel_is_answered_where_all_rules_agree(buddywatch, state, tmp_path):
    args = ("--page-kb", "4", "--min-kb", "360", "--json")
    one, four = buddywatch("explain", state, *args, "--need", "64k", "--need", "128k").json["needs"]
    assert one["verdict"] is None
    assert (four["verdict"], four["reason"]) == ("refused", "fragmented")
    text = words(buddywatch("explain", state, *args[:-1], "--need", "64k"))
    assert "refused by the rule of Linux 2.6.11 to 2.6.37, and 3.3 to 4.3" in text
    assert "ok by the rule of Linux 4.4 and later" in text


@pytest.mark.parametrize(
    ("text", "code"), [pytest.param(BUDDYINFO, 1, id="fragmented"), pytest.param(AFTER_REBOOT, 0, id="after-reboot")]
)
def test_program_is_started_in_the_state(buddywatch, tmp_path, text, code):
    (tmp_path / "state").write_text(text)
    (tmp_path / "rm").write_bytes(flat(text=100_000, data=8_000, bss=45_000, stack=4096))
    result = buddywatch("explain", str(tmp_path / "state"), *OLD_BOARD, "--program", str(tmp_path / "rm"), "--json")
    (need,) = result.json["needs"]
    assert result.code == code
    assert [(b["what"], b["order"], b["verdict"]) for b in need["blocks"]] == [
        ("text", 5, None),
        ("data", 4, "refused" if code else "ok"),
    ]


def test_program_takes_its_blocks_one_after_another(buddywatch, tmp_path):
    # Two blocks of 64 kB or more would be needed at once: image and workspace; only one is left after the first.
    (tmp_path / "state").write_text("Node 0, zone DMA 400 0 0 0 1 0 0 0 0 0 0\n")
    (tmp_path / "gz").write_bytes(flat(text=20_000, data=8_000, bss=20_000, stack=4096, flags=4))
    args = ("--kernel", "6.1", "--page-kb", "4", "--min-kb", "360", "--program", str(tmp_path / "gz"), "--json")
    (need,) = buddywatch("explain", str(tmp_path / "state"), *args).json["needs"]
    assert [(b["what"], b["verdict"]) for b in need["blocks"]] == [("image", "ok"), ("unzip workspace", "refused")]


# --- input that holds nothing, or cannot be ---


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(range(256)) * 500, id="binary"),
        pytest.param(b"[    0.000000] Linux version 2.6.30\n[    1.0] eth0: link up\n", id="quiet-log"),
        pytest.param(b"\xff\xfeN\x00o\x00d\x00e\x00", id="utf-16"),
    ],
)
def test_text_with_nothing_in_it_is_told_in_one_line(buddywatch, tmp_path, data):
    (tmp_path / "log").write_bytes(data)
    result = buddywatch("explain", str(tmp_path / "log"))
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("buddywatch: nothing usable in the input; looked for")
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("/nonexistent",), "/nonexistent: cannot be read", id="no-file"),
        pytest.param((SEED, "--kernel", "mine"), "expected a release such as 2.6.30", id="release"),
        pytest.param((SEED, "--page-kb", "3"), "expected a power of two", id="page"),
        pytest.param((SEED, "--need", "many"), "expected a size", id="need"),
        pytest.param((SEED, "--min-kb", "-1"), "expected kilobytes", id="mark"),
        pytest.param((SEED, "--program", SEED), "expected a bFLT or ELF program", id="program"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(buddywatch, arguments, said):
    result = buddywatch("explain", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert len(result.err.splitlines()) == 1


def test_standard_input_is_read(tmp_path):
    argv = [sys.executable, "-m", "buddywatch", "explain", "--json", "-"]
    with open(SEED, "rb") as file:
        done = subprocess.run(argv, stdin=file, capture_output=True, env=ENV, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout)["failures"][0]["process"] == "rm"
    assert done.stderr == b""


def _read_terminal(terminal):
    """The next part of what was written, which a terminal hands out as it likes; b"": no more."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""


def test_progress_is_shown_on_a_terminal_only(tmp_path):
    log = tmp_path / "log"
    log.write_text(Path(SEED).read_text() * 900)
    ours, theirs = pty.openpty()
    argv = [sys.executable, "-m", "buddywatch", "explain", str(log)]
    done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=theirs, env=ENV, check=False)
    os.close(theirs)
    shown = b"".join(iter(lambda: _read_terminal(ours), b""))
    os.close(ours)
    assert done.returncode == 1
    assert b"reading [" in shown
    assert shown.endswith(b"\r\x1b[K")
