"""What a person reads: the answers on captures of real boards."""

from agents import agent, agent_on
from buddyd import wire
from buddyd.sources import kernel_messages
from buddyd.talk import answers, line_answers
from harness import fixture, read
from scratch import Scratch


def answer(here, line, polite=True):
    return list(answers.answer(here, line, polite))


def test_help_names_every_command():
    lines = answer(agent(), "help")
    for command in ("help", "status", "need", "recent"):
        assert [line for line in lines if line.startswith("  %s " % command)], command


def test_status_of_a_fragmented_board():
    here = agent()
    here.poll()
    lines = answer(here, "status")
    assert lines[:7] == [
        "xport-07: Linux 6.1.192 on COLDFIRE(m520x), no MMU, compaction impossible, pages of 4096 bytes",
        "up 0:00:00:14, 37 processes created, snapshot every 5000 ms",
        "reclaimable 0kB, slab 924kB",
        "node 0 zone DMA: 228 pages free, min 70, low 87 pages",
        "  4kB:140 8kB:32 16kB:6 32kB:0 64kB:0 128kB:0 256kB:0 512kB:0 1024kB:0 2048kB:0 4096kB:0",
        "the kernel would hand out at most 16kB in one piece (16kB without reclaim first); rule: new",
        "missing: sys/kernel/random/boot_id, kernel-log",
    ]
    assert lines[7] == "kernel log: %s: no such file or device" % fixture("captures/frag-4k-bflt/proc/kmsg")
    assert lines[8].startswith("buddyd: poll ")
    assert lines[8].endswith("ring 2048 bytes holds frames 1 to 1, 0 overwritten")
    assert len(lines) == 9


def test_status_of_a_board_whose_files_in_ram_look_reclaimable():
    for release, among in (
        ("2.6.30", " at most, files in RAM among it"),
        ("4.16.0", ""),
        ("4.16-rc1", ""),
        (None, " at most, files in RAM among it"),
    ):
        here = agent("frag-4k-bflt-2.6.30-files")
        here.sampler.system.release = release
        here.poll()
        assert answer(here, "status")[2] == "reclaimable 596kB%s, slab 1028kB" % among, release
    for attribute, value in (("no_mmu", False), ("files", 6), ("files", None)):
        here = agent("frag-4k-bflt-2.6.30-files")
        setattr(here.sampler.system, attribute, value)
        here.poll()
        assert answer(here, "status")[2] == "reclaimable 596kB, slab 1028kB", attribute


def test_status_of_a_machine_with_three_zones():
    here = agent("pc-3zones")
    here.poll()
    zones = [line.split(":")[0] for line in answer(here, "status") if line.startswith("node ")]
    assert zones == ["node 0 zone DMA", "node 0 zone DMA32", "node 0 zone Normal"]


def test_status_of_a_kernel_that_counts_otherwise_than_its_blocks():
    """Blocks of the torn board with two processors: 758 pages, of which its processors hold back changes."""
    with Scratch() as scratch:
        for name in ("buddyinfo", "zoneinfo", "version", "sys/kernel/osrelease"):
            scratch.write(name, read("captures/frag-rv64-2-cpus/proc/" + name))
        for free_kb, counted, judged in (
            (3032, "", "ok; order 6, a block of 256kB; margin 64"),
            (2992, " (counted 748)", "ok; order 6, a block of 256kB; margin 64"),
            (728, " (counted 182)", "refused; order 6, a block of 256kB; margin -1"),
        ):
            scratch.write("meminfo", b"MemFree: 3032 kB\nMmapCopy: 0 kB\n")  # the page size follows from it
            here = agent_on(scratch.path)
            scratch.write("meminfo", b"MemFree: %d kB\nMmapCopy: 0 kB\n" % free_kb)
            here.poll()
            zone = answer(here, "status")[3]
            assert zone == "node 0 zone DMA32: 758 pages free%s, min 113, low 141 pages" % counted, zone
            found = answer(here, "need 200000")[0]
            assert found.startswith("need 200000: %s pages" % judged), found


def test_status_says_what_is_unknown():
    with Scratch() as scratch:
        scratch.write("buddyinfo", read("captures/frag-4k-bflt/proc/buddyinfo"))
        here = agent_on(scratch.path)
        here.poll()
        lines = answer(here, "status")
        assert lines[1].endswith(", unknown number of processes created, snapshot every 5000 ms")
        assert lines[2:6] == [
            "reclaimable unknown, slab unknown",
            "node 0 zone DMA: 228 pages free, marks unknown",
            "  2^0:140 2^1:32 2^2:6 2^3:0 2^4:0 2^5:0 2^6:0 2^7:0 2^8:0 2^9:0 2^10:0",
            "what the kernel would hand out: unknown (needs marks, release and page size)",
        ]
        assert lines[6].startswith("missing: ")
        assert "zoneinfo" in lines[6]
        assert answer(here, "need 61440") == [
            "need 61440: unknown; marks, kernel release or page size cannot be read here"
        ]


NEEDS = (
    # (capture, bytes, answer)
    (
        "fresh-4k-bflt",
        61440,
        "need 61440: ok; order 4, a block of 64kB; margin 592 pages (for a program, 6 pages taken first)",
    ),
    (
        "frag-4k-bflt",
        61440,
        "need 61440: refused; order 4, a block of 64kB; margin -16 pages (for a program, 6 pages taken first)",
    ),
    (
        "frag-4k-bflt",
        32768,
        "need 32768: refused; order 3, a block of 32kB; margin -8 pages (for a program, 6 pages taken first); "
        "at this size the OOM killer ends a process instead",
    ),
    (
        "frag-4k-bflt",
        1,
        "need 1: ok; order 0, a block of 4kB; margin 151 pages (for a program, 6 pages taken first)",
    ),
    (
        "frag-8k-elf",
        65536,
        "need 65536: refused; order 3, a block of 64kB; margin -8 pages (for a program, 6 pages taken first); "
        "at this size the OOM killer ends a process instead",
    ),
    (
        "frag-4k-bflt",
        999999999,
        "need 999999999: refused; order 18, a block of 1048576kB; margin -262144 pages "
        "(for a program, 6 pages taken first)",
    ),
)


def test_status_of_a_kernel_that_does_not_say_what_can_be_reclaimed():
    with Scratch() as scratch:
        scratch.write("buddyinfo", read("captures/frag-4k-bflt/proc/buddyinfo"))
        scratch.write("meminfo", b"MemFree:             912 kB\n")
        here = agent_on(scratch.path)
        here.poll()
        assert here.sampler.system.page_bytes == 4096
        assert answer(here, "status")[2] == "reclaimable unknown, slab unknown"


def test_need_is_judged_by_the_boards_own_rule():
    for capture, size_bytes, expected in NEEDS:
        here = agent(capture)
        here.poll()
        assert answer(here, "need %d" % size_bytes) == [expected], (capture, size_bytes)


def test_need_asks_for_a_number():
    here = agent()
    here.poll()
    for words in ("need", "need x", "need 60k", "need -1", "need 0", "need 1234567890", "need \u0661"):
        assert answer(here, words) == ["need BYTES: a number such as 61440"], words


def test_recent_gives_the_last_snapshots():
    with Scratch() as scratch:
        proc = "captures/frag-4k-bflt/proc/"
        for name in ("buddyinfo", "zoneinfo", "meminfo", "uptime"):
            scratch.write(name, read(proc + name))
        here = agent_on(scratch.path, "32k")
        assert answer(here, "recent") == ["no snapshot is held"]
        expected = []
        for number in range(1, 71):
            scratch.write("buddyinfo", read(proc + "buddyinfo").replace(b"140", b"%d" % (140 + number)))
            here.poll()
            expected.append("%d up 0:00:00:14 DMA %d 32 6 0 0 0 0 0 0 0 0" % (number, 140 + number))
            assert answer(here, "recent 1") == expected[-1:]
            if number == 34:  # the first group is the oldest that the ring holds
                assert answer(here, "recent 20") == expected[-20:]
        assert answer(here, "recent") == expected[-10:]
        assert answer(here, "recent 3") == expected[-3:]
        assert answer(here, "recent 20") == expected[-20:]
        assert answer(here, "recent 99") == expected[-20:]


def test_recent_passes_over_events():
    here = agent()
    here.poll()
    here.encoder.event(wire.event_text(1, "source", None, None, None, "lost meminfo"), here.ring.append)
    here.poll()
    assert [line.split()[0] for line in answer(here, "recent")] == ["1", "3"]


def test_recent_survives_a_flood_of_events():
    here = agent()
    here.poll()
    while here.ring.oldest <= here.ring.key:
        here.encoder.event(b"1|source||||" + b"x" * 200, here.ring.append)
    assert answer(here, "recent") == ["no snapshot is held"]
    here.poll()
    assert len(answer(here, "recent")) == 1


def test_recent_ends_where_the_ring_overtakes_it():
    here = agent()
    for _ in range(5):
        here.poll()
    lines = answers.answer(here, "recent 5", True)
    first = next(lines)
    while here.ring.oldest <= 5:
        here.poll()
    assert first.split()[0] == "1"
    assert [line.split()[0] for line in lines if int(line.split()[0]) > 5] == []


def test_recent_asks_for_a_number():
    for words in ("recent x", "recent -1", "recent 100", "recent \u0661"):
        assert answer(agent(), words) == ["recent [N]: N from 1 to 20"], words


def test_unknown_word_is_answered_to_the_polite():
    here = agent()
    assert answer(here, "xyzzy and more") == ["unknown: xyzzy. Type help."]
    assert answer(here, "x" * 50) == ["unknown: %s. Type help." % ("x" * 20)]
    assert answer(here, "xyzzy", False) == []
    for line in ("", "   "):
        assert answer(here, line) == []


def test_clock_counts_days():
    assert answers.clock(0) == "0:00:00:00"
    assert answers.clock(99) == "0:00:00:00"
    assert answers.clock(8640123) == "1:00:00:01"
    assert answers.clock(100 * 86400 * 400) == "400:00:00:00"
    assert answers.clock(100 * (86400 * 400 + 3600 * 23 + 60 * 59 + 58)) == "400:23:59:58"


def test_help_names_all_that_is_answered():
    here = agent()
    here.poll()
    for line in answer(here, "help")[1:-1]:
        word = line.split()[0]
        assert answer(here, word + " 1" * (word == "need"), False), word
    assert answer(here, "stop", False) == ["stopped"]


def test_about_says_what_it_is_and_what_it_will_not_do():
    first, *others = answer(agent(), "about")
    assert first.startswith("buddyd 0.1.0 (")
    assert first.endswith(") on xport-07.")
    assert others == [
        "It is the agent of buddywatch: every few seconds it reads the free memory",
        "blocks of this kernel, and keeps them for a collector. It starts no process,",
        "takes no more memory than at its start, and knows no other words than those of",
        "help. It changes nothing here and writes no file, unless it was started with an",
        "option for that: --allow, --set, --reserve, --watchdog or --blackbox.",
        "More: agent/README.md and agent/PROTOCOL.md of buddywatch.",
    ]


def test_watched_snapshot_says_what_the_kernel_would_hand_out():
    here = agent()
    here.poll()
    assert line_answers.watched(here) == "1 up 0:00:00:14 DMA 140 32 6 0 0 0 0 0 0 0 0; at most 16kB in one piece"
    with Scratch() as scratch:
        scratch.write("buddyinfo", read("captures/frag-4k-bflt/proc/buddyinfo"))
        here = agent_on(scratch.path)
        here.poll()
        assert line_answers.watched(here).endswith("; at most unknown in one piece")
        scratch.write("zoneinfo", read("captures/frag-4k-bflt/proc/zoneinfo"))  # zones and marks, but not which kernel
        here = agent_on(scratch.path)
        here.poll()
        assert line_answers.watched(here).endswith("; at most unknown in one piece")


def test_typing_errors_are_taken_out():
    for typed, meant in (
        (b"help", "help"),
        (b"heel\b\blp", "help"),
        (b"heel\x7f\x7flp", "help"),
        (b"\b\x7fhelp", "help"),
        (b"status\x15help", "help"),
        (b"h\x1b[A\xff", "h?[A?"),
        (b"", ""),
    ):
        assert kernel_messages.printable(line_answers.edited(typed)) == meant, typed


def test_map_lists_who_has_which_memory():
    stat = b"%d (%s) S 1 0 0 0 -1 256 0 0 0 0 11 4 0 0 20 0 1 0 4900 316560 0\n"
    maps = b"".join([b"%x-%x rwxp 0 00:00 0\n" % (0x40240000 + i * 0x8000, 0x40244000 + i * 0x8000) for i in range(6)])
    with Scratch() as scratch:
        scratch.write("buddyinfo", read("captures/frag-4k-bflt-2.6.30-cron/proc/buddyinfo"))
        only = "only without an MMU the addresses of a program say which memory it has"
        assert answer(agent_on(scratch.path), "map") == [only]
        scratch.write("meminfo", read("captures/frag-4k-bflt-2.6.30-cron/proc/meminfo"))
        here = agent_on(scratch.path)
        assert answer(here, "map") == ["no process has memory of its own"]
        scratch.write("23/stat", stat % (23, b"buddyd"))
        scratch.write("23/maps", maps[:39])
        scratch.write("40/stat", stat % (40, b"httpd"))
        scratch.write("40/maps", maps)
        pieces = "16kB at 0x40240000, 16kB at 0x40248000, 16kB at 0x40250000, 16kB at 0x40258000, 2 more"
        assert answer(here, "map") == [
            "23 buddyd, since 49 s after the boot: 16kB: 16kB at 0x40240000",
            "40 httpd, since 49 s after the boot: 96kB: " + pieces,
        ]
        here.sampler.system.root = scratch.path + "/none/"
        assert answer(here, "map") == ["no processes can be listed in " + here.sampler.system.root]
