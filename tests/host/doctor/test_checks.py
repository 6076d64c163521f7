"""What the doctor finds on boards of which one thing is so, and what it leaves alone."""

from dataclasses import replace

import pytest
from buddywatch.doctor.checks import findings
from buddywatch.doctor.facts import BoardFacts, Program, Script
from buddywatch.kernel_text.marks import formula_min_free_kb
from buddywatch.text.advice import TRIM_LINE
from buddywatch.verdict.culprits import Record
from buddywatch.verdict.programs import Block

GOOD = BoardFacts(release="2.6.30", no_mmu=True, page_bytes=4096, trim_pages=0, min_free_kb=360, memory_kb=8128)
BAD = replace(GOOD, trim_pages=1)
JOB = Record("logger", 60, 60.0, 15, 20.0, 0, 900.0, 0, 12.8)


def keys(facts):
    return [finding.advice.key for finding in findings(facts)]


def only(facts):
    (finding,) = findings(facts)
    return finding


def script(*lines):
    return Script("rcS", lines)


def test_board_on_which_all_is_well_has_nothing_to_change():
    assert findings(GOOD) == []
    assert findings(BoardFacts()) == []


def test_trimming_comes_first_with_its_line():
    finding = findings(replace(BAD, scripts=(script("telnetd"),), records=(JOB,), watched_s=3600.0))[0]
    assert (finding.advice.key, finding.advice.line) == ("nr_trim_pages", TRIM_LINE)
    assert "vm.nr_trim_pages is 1" in finding.found
    tails = only(replace(BAD, tails=(("start-60k", 1), ("httpd", 24))))
    assert "start-60k (1 page), httpd (24 pages)" in tails.found


@pytest.mark.parametrize(
    ("facts", "is_found"),
    [
        (replace(GOOD, trim_pages=None), True),
        (replace(GOOD, trim_pages=None, release="2.6.28"), False),
        (replace(GOOD, trim_pages=None, no_mmu=None), False),
        (replace(GOOD, trim_pages=None, options={"CONFIG_NOMMU_INITIAL_TRIM_EXCESS": "0"}), False),
        (replace(GOOD, trim_pages=None, options={"CONFIG_NOMMU_INITIAL_TRIM_EXCESS": "1"}), True),
        (replace(BAD, scripts=(script("mount -t proc proc /proc", TRIM_LINE),)), False),
        (replace(BAD, scripts=(script("# " + TRIM_LINE),)), True),
        (replace(BAD, scripts=(script(TRIM_LINE.replace("0", "1", 1)),)), True),
        (replace(BAD, no_mmu=False), False),
    ],
)
def test_trimming_is_found_where_it_is_on(facts, is_found):
    assert ("nr_trim_pages" in keys(facts)) is is_found


def test_trimming_that_is_set_before_the_residents_is_to_move():
    before, after = script(TRIM_LINE, "httpd", "exec /bin/sh"), script("httpd", "buddyd &", TRIM_LINE, "exec /bin/sh")
    assert "nr_trim_pages_place" in keys(replace(BAD, scripts=(before,)))
    assert "line 1" in findings(replace(BAD, scripts=(script(TRIM_LINE, "buddyd &"),)))[0].found
    assert "nr_trim_pages_place" not in keys(replace(BAD, scripts=(after,)))


def test_program_whose_block_has_an_unused_end():
    data = Block("data", 15 * 4096, stack_bytes=4096, filling_stack_bytes=8300)
    finding = only(replace(GOOD, programs=(Program("busybox", (data,)),)))
    assert finding.advice.key == "filled_stack" and "flthdr -s 8300 busybox" in finding.advice.do
    assert finding.found == "data of busybox: 15 of 16 pages"
    full, text = replace(data, bytes=16 * 4096), replace(data, shareable=True, filling_stack_bytes=0)
    assert findings(replace(GOOD, programs=(Program("busybox", (full, text)),))) == []


def test_program_that_a_smaller_stack_would_halve():
    data = Block("data", 16 * 4096, stack_bytes=40000, smaller_stack_bytes=7000, filling_stack_bytes=40000)
    finding = only(replace(GOOD, programs=(Program("x", (data,)),)))
    assert finding.advice.key == "smaller_stack" and "A block of 32 kB" in finding.advice.gain


@pytest.mark.parametrize(
    ("version", "words"),
    [((1, 13), "run rm, cat, mkdir"), ((1, 37), "`unlink FILE` removes"), ((1, 27), "BusyBox 1.27")],
)
def test_shell_that_may_not_run_commands_itself(version, words):
    finding = only(replace(GOOD, programs=(Program("busybox", (), version),)))
    assert finding.advice.key == "nofork_shell" and words in finding.found
    assert "is not in the file" in finding.found


def test_configuration_of_busybox_decides():
    off = {"CONFIG_FEATURE_SH_NOFORK": "n", "CONFIG_FEATURE_PREFER_APPLETS": "y"}
    on = {**off, "CONFIG_FEATURE_SH_NOFORK": "y"}
    busybox = (Program("busybox", (), (1, 37)),)
    assert "FEATURE_SH_NOFORK is off" in only(replace(GOOD, options=off)).found
    assert findings(replace(GOOD, options=on, programs=busybox)) == []
    old = replace(GOOD, options=on, programs=(Program("busybox", (), (1, 13)),))
    assert "FEATURE_SH_STANDALONE is off" in only(old).found


def test_programs_that_are_started_often_by_what_they_cost():
    rare = replace(JOB, name="daily", starts=1)
    cheap = replace(JOB, name="clock", lost_pages=-0.2)
    found = findings(replace(GOOD, records=(cheap, JOB, rare), watched_s=3600.0))
    assert [finding.advice.do.split()[1] for finding in found] == ["logger", "clock"]
    assert "its runs cost 3072 kB" in found[0].advice.gain and "one each 60 s" in found[0].found
    assert found[1].advice.certainty != found[0].advice.certainty


def test_programs_whose_runs_leave_files_in_ram():
    writer = replace(JOB, starts=60, lost_pages=None, left_pages=0.8)
    quiet = replace(writer, name="clock", left_pages=0.0)
    found = findings(replace(GOOD, records=(quiet, writer), watched_s=36000.0 * 2))
    assert [finding.advice.key for finding in found] == ["laid_out_files"]
    assert found[0].found == "logger left 192 kB in 60 runs"
    assert "Let logger write" in found[0].advice.do and "left 3 kB" in found[0].advice.gain


def test_servers_that_start_processes():
    facts = replace(GOOD, running=frozenset({"crond", "buddyd"}), scripts=(script("/usr/sbin/telnetd -l /bin/sh"),))
    assert keys(facts) == ["cron", "held_session"]
    assert keys(replace(GOOD, running=frozenset({"inetd", "httpd"}))) == ["process_per_connection"]


def test_lines_of_a_script_that_start_processes():
    lines = (
        "while :; do",
        "  date=$(cat /proc/uptime)",
        "  cat f | grep x",
        "  sleep 60",
        "  echo $((1+2)) || true",
        "done",
    )
    finding = only(replace(GOOD, scripts=(script(*lines, "cp a b"),)))
    assert finding.advice.key == "script_starts" and "3 lines of rcS" in finding.advice.do
    assert finding.found.split("; ") == [
        "line 2: $( ) starts a shell",
        "line 3: a pipe starts a process for each part",
        "line 4: sleep is started at each turn of the loop",
    ]


def test_min_free_kbytes_that_is_not_the_kernels():
    assert formula_min_free_kb(8128) == 360  # as the board of the first failure had
    assert (formula_min_free_kb(100), formula_min_free_kb(1 << 40)) == (128, 65536)
    high, low = only(replace(GOOD, min_free_kb=1000)), only(replace(GOOD, min_free_kb=63))
    assert high.advice.line == low.advice.line == "echo 360 > /proc/sys/vm/min_free_kbytes"
    assert high.advice.gain != low.advice.gain
    assert findings(replace(GOOD, min_free_kb=None)) == findings(replace(GOOD, memory_kb=None)) == []


def test_malloc_of_uclibc():
    assert keys(replace(GOOD, options={"MALLOC_SIMPLE": "y"})) == ["malloc"]
    assert keys(replace(GOOD, options={"MALLOC_SIMPLE": "n", "MALLOC": "y"})) == []
