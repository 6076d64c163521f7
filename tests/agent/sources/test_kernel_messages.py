"""kernlog: every kernel's words for memory that was refused, and nothing else."""

from buddyd.sources.kernel_messages import parse, parse_record, printable, strip_prefix
from harness import fixture, raises

# (name, text, what it says). Formats: printk()s in mm/nommu.c, mm/page_alloc.c, mm/oom_kill.c and fs/binfmt_flat.c.
LINES = (
    ("alloc-2.6.30", "Allocation of length 61440 from process 6821 (rm) failed", ("alloc", 61440, 6821, "rm")),
    ("alloc-2.6.24", "Allocation of length 61440 from process 6821 failed", ("alloc", 61440, 6821, None)),
    ("alloc-6.1", "nommu: Allocation of length 200704 from process 32 (dmesg) failed", ("alloc", 200704, 32, "dmesg")),
    ("alloc-cr", "Allocation of length 4096 from process 1 (init) failed\r", ("alloc", 4096, 1, "init")),
    ("alloc-bracket", "Allocation of length 1 from process 2 (foo) Z) failed", ("alloc", 1, 2, "foo) Z")),
    ("alloc-liar", "Allocation of length 1 from process 2 ( process 9 (a)) failed", ("alloc", 1, 2, " process 9 (a)")),
    ("alloc-failed", "Allocation of length 1 from process 2 () failed) failed", ("alloc", 1, 2, ") failed")),
    ("alloc-empty", "Allocation of length 1 from process 2 () failed", ("alloc", 1, 2, "")),
    ("vma", "Allocation of vma for 61440 byte allocation from process 24 failed", ("vma", 61440, 24, None)),
    ("region", "nommu: Allocation of vm region for 8 byte allocation from process 24 failed", ("vma", 8, 24, None)),
    ("tree", "nommu: Allocation of vma tree for process 24 failed", ("vma", 0, 24, None)),
    ("page-2.6.30", "rm: page allocation failure. order:4, mode:0xd0", ("page", 4, None, "rm")),
    ("page-3.1", "kworker/0:1: page allocation failure: order:2, mode:0x20", ("page", 2, None, "kworker/0:1")),
    ("page-4.9", "rm: page allocation failure: order:4, mode:0x24000c0(GFP_KERNEL)", ("page", 4, None, "rm")),
    (
        "page-6.1",
        "sleep: page allocation failure: order:5, mode:0xcc0(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0",
        ("page", 5, None, "sleep"),
    ),
    ("page-bracket", "foo) Z: page allocation failure: order:0, mode:0x20", ("page", 0, None, "foo) Z")),
    ("page-liar", "Killed process : page allocation failure: order:1, mode:0x20", ("page", 1, None, "Killed process ")),
    ("page-prefix", "Allocation of x: page allocation failure: order:1, mode:0", ("page", 1, None, "Allocation of x")),
    ("oom-2.6.30", "rm invoked oom-killer: gfp_mask=0xd0, order=2, oomkilladj=0", ("oom", 2, None, "rm")),
    (
        "oom-4.9",
        "a b invoked oom-killer: gfp_mask=0xd0(GFP), nodemask=0, order=1, oom_score_adj",
        ("oom", 1, None, "a b"),
    ),
    ("oom-6.1", "rm invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=3, oom_score_adj=0", ("oom", 3, None, "rm")),
    ("kill-2.6.30", "Out of memory: kill process 7 (rm) score 12 or a child", ("kill", 0, 7, "rm")),
    ("killed-2.6.30", "Killed process 7 (rm)", ("kill", 0, 7, "rm")),
    ("killed-el6", "Killed process 7, UID 0, (rm) total-vm:8kB, anon-rss:0kB, file-rss:4kB", ("kill", 0, 7, "rm")),
    ("kill-3.10", "Out of memory: Kill process 7 (rm) score 12 or sacrifice child", ("kill", 0, 7, "rm")),
    ("killed-3.10", "Killed process 7 (rm) total-vm:8kB, anon-rss:0kB, file-rss:4kB", ("kill", 0, 7, "rm")),
    ("kill-cgroup", "Memory cgroup out of memory: Kill process 7 (a) score 12 or sacrifice child", ("kill", 0, 7, "a")),
    (
        "kill-6.1",
        "Out of memory: Killed process 37 (rm) total-vm:0kB, anon-rss:0kB, shmem-rss:0kB, UID:0 pgtables:0kB",
        ("kill", 0, 37, "rm"),
    ),
    ("kill-bracket", "Out of memory: Killed process 37 (foo) Z) total-vm:0kB", ("kill", 0, 37, "foo) Z")),
    ("kill-liar", "Killed process 5 (ill process 7)", ("kill", 0, 5, "ill process 7")),
    ("load-2.6.30", "Unable to allocate RAM for process data, errno 12", ("load", 12, None, None)),
    ("load-6.1", "binfmt_flat: Unable to allocate RAM for process data, errno -12", ("load", 12, None, None)),
    ("load-text-data", "Unable to allocate RAM for process text/data, errno 12", ("load", 12, None, None)),
    ("load-text", "Unable to mmap process text, errno 22", ("load", 22, None, None)),
    ("load-read", "binfmt_flat: Unable to read code+data+bss, errno -5", ("load", 5, None, None)),
)

OTHER_LINES = (
    "",
    "Mem-Info:",
    "14 total pagecache pages",
    "DMA: 31*4kB 47*8kB 42*16kB 64*32kB 1*64kB 0*128kB = 3284kB",
    "Allocation of length 61440 from process 6821 (rm",
    "Allocation of length 61440 from process 6821 (rm) faile",
    "Allocation of length  from process 6821 (rm) failed",
    "Allocation of length 61440 from process x (rm) failed",
    "Allocation of length 123456789012345678901 from process 1 (rm) failed",
    "Allocation of something from process 1 failed",
    "rm: page allocation failure",
    "rm: page allocation failure: order:x, mode:0x20",
    ": page allocation failure: order:1, mode:0x20",
    "page allocation stalls for 10000ms, order:1",
    "rm invoked oom-killer: gfp_mask=0xd0",
    "Kill process 7 (rm)",
    "Killed process (rm)",
    "echo Killed process 7 (rm)",
    "Out of memory and no killable processes...",
    "oom_reaper: reaped process 37 (rm), now anon-rss:0kB",
    "[   37]     0    37        0        0        0        0             0 rm",
    "Unable to allocate RAM for process data",
    "Unable to mount root fs, errno 12",
    "CPU: 0 PID: 37 Comm: rm Not tainted 6.1.192 #17",
)

# (line, text, stamp in centiseconds, level)
PREFIXES = (
    ("<4>Mem-Info:", "Mem-Info:", None, 4),
    ("<4>[   13.860000] Mem-Info:", "Mem-Info:", 1386, 4),
    ("[   13.860000] Mem-Info:", "Mem-Info:", 1386, None),
    ("[    0.009999] a", "a", 0, None),
    ("[12345.67] a", "a", 1234567, None),
    ("<6>[    0.350000][    T1] io scheduler", "io scheduler", 35, 6),
    ("[    0.350000][   C0] [<4007c10c>] 0x4007c10c", "[<4007c10c>] 0x4007c10c", 35, None),
    ("<14>from a program", "from a program", None, 6),
    ("Nov 22 10:00:00 board kernel: Mem-Info:", "Mem-Info:", None, None),
    ("Nov 22 10:00:00 board kernel: [   13.860000] Mem-Info:", "Mem-Info:", 1386, None),
    ("Nov 22 10:00:00 board user.warn kernel: <4>[   13.860000] a", "a", 1386, 4),
    ("2026-11-22T10:00:00.123+01:00 board kernel: [    1.000000] a", "a", 100, None),
    ("[    1.500000] nommu: kernel: 10:00:00 kernel: a", "nommu: kernel: 10:00:00 kernel: a", 150, None),
    ("[   13.850000]  [<4007c10c>] 0x4007c10c", " [<4007c10c>] 0x4007c10c", 1385, None),
    ("[   13.850000] ", "", 1385, None),
    ("[   13.850000]", "", 1385, None),
    ("[   37]     0    37 rm", "[   37]     0    37 rm", None, None),
    ("[  pid  ]   uid  tgid", "[  pid  ]   uid  tgid", None, None),
    ("[1.2.3] a", "[1.2.3] a", None, None),
    ("[1.x] a", "[1.x] a", None, None),
    ("[.50] a", "[.50] a", None, None),
    ("[1x.50] a", "[1x.50] a", None, None),
    ("<x>a", "<x>a", None, None),
    ("<4a", "<4a", None, None),
    ("loading kernel: a", "loading kernel: a", None, None),
    ("", "", None, None),
    ("[", "[", None, None),
    ("<", "<", None, None),
)

# (record, text, stamp in centiseconds, sequence)
RECORDS = (
    (b"6,339,5140900,-;NET: Registered protocol family 10\n", "NET: Registered protocol family 10", 514, 339),
    (b"4,1,0;3.5 had no flags\n", "3.5 had no flags", 0, 1),
    (b"30,340,5690716,-;a program\n SUBSYSTEM=acpi\n DEVICE=+acpi:PNP0A03:00\n", None, 569, 340),
    (b"3,5,10000000,-,caller=T123;a;b\n", "a;b", 1000, 5),
    (b"3,5,1,-;comm \\xffz\\x5cx41 \\x01\n", "comm ?z\\x41 ?", 0, 5),
    (b"3,5,1,-;no newline", "no newline", 0, 5),
    (b"3,5,1,-;\n", "", 0, 5),
)

KILLED = [(23, "buddyd"), (20, "telnetd")] + [(pid, "start-60k") for pid in (140, 143, 146, 149, 152, 155, 158)]
ALSO_KILLED = ((161, "start-60k"), (164, "start-60k"), (225, "dmesg"))  # without another call of the OOM killer


def _killed(pid, comm):
    """2.6.30 says which process it chose, and then which one it killed: that one or a child of it."""
    return [("kill", 0, pid, comm)] * 2


OOM_OF_DMESG = []
for pid, comm in KILLED:
    OOM_OF_DMESG += [("oom", 3, None, "dmesg")] + _killed(pid, comm)
for pid, comm in ALSO_KILLED:
    OOM_OF_DMESG += _killed(pid, comm)

# (log, kind, number, pid, comm), in order: what the kernel of the emulated boards said
CAPTURED = (
    (
        "captures/frag-4k-bflt/kmsg.txt",
        [("page", 4, None, "rm"), ("alloc", 61440, 37, "rm"), ("load", 12, None, None)],
    ),
    (
        "captures/frag-8k-elf/dmesg.txt",
        [("oom", 3, None, "rm"), ("kill", 0, 37, "rm"), ("page", 3, None, "rm"), ("alloc", 65536, 37, "rm")],
    ),
    ("captures/fresh-4k-bflt/kmsg.txt", []),
    ("captures/fresh-4k-bflt-2.6.30/kmsg.txt", []),
    (
        "captures/frag-4k-bflt-2.6.30-noagent/kmsg.txt",
        [("page", 4, None, "rm"), ("alloc", 61440, 101, "rm"), ("load", 12, None, None)],
    ),
    (
        "captures/frag-4k-bflt-2.6.30-cron/dmesg.txt",
        [
            ("page", 4, None, "rm"),
            ("alloc", 61440, 325, "rm"),
            ("load", 12, None, None),
            ("page", 4, None, "start-60k"),
            ("alloc", 61440, 326, "start-60k"),
            ("load", 12, None, None),
        ],
    ),
    # One `dmesg`, which asks for 32 kB in one piece: the OOM killer took buddyd first.
    ("captures/frag-4k-bflt-2.6.30-files/kmsg.txt", OOM_OF_DMESG),
    (
        "captures/earlier-logs/frag-61440.dmesg.txt",
        [
            ("page", 5, None, "sleep"),
            ("alloc", 98304, 22, "sleep"),
            ("page", 4, None, "rm"),
            ("alloc", 61440, 24, "rm"),
            ("alloc", 61440, 25, "rm"),
            ("alloc", 98304, 26, "ls"),
            ("alloc", 98304, 28, "dmesg"),
        ],
    ),
)

# The log in the story, line by line: 2.6.30 without time stamps.
STORY = """\
Allocation of length 61440 from process 6821 (rm) failed
DMA per-cpu:
CPU 0: hi: 0, btch: 1 usd: 0
Active_anon:0 active_file:1 inactive_anon:0 inactive_file:0 unevictable:6 dirty:0 free:821 slab:353
DMA free:3284kB min:360kB low:448kB high:540kB active_anon:0kB inactive_anon:0kB active_file:4kB all_unreclaimable? no
lowmem_reserve[]: 0 0 0
DMA: 31*4kB 47*8kB 42*16kB 64*32kB 1*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 3284kB
14 total pagecache pages
Unable to allocate RAM for process data, errno 12"""


def findings(lines):
    found = []
    for line in lines:
        text, stamp_cs, _ = strip_prefix(line)
        finding = parse(text)
        if finding:
            found.append((stamp_cs, finding))
    return found


def test_parse_knows_the_words_of_every_kernel():
    for name, text, expected in LINES:
        assert parse(text) == expected, name


def test_parse_leaves_other_lines_alone():
    for text in OTHER_LINES:
        assert parse(text) is None, text


def test_parse_leaves_torn_lines_alone_or_reads_them_alike():
    for name, text, expected in LINES:
        for end in range(len(text)):
            found = parse(text[:end])
            assert found is None or found[0] == expected[0], (name, end)


def test_strip_prefix_gives_text_stamp_and_level():
    for line, text, stamp_cs, level in PREFIXES:
        assert strip_prefix(line) == (text, stamp_cs, level), line


def test_story_has_two_findings():
    assert findings(STORY.split("\n")) == [(None, ("alloc", 61440, 6821, "rm")), (None, ("load", 12, None, None))]


def test_captured_logs_give_their_findings_in_order():
    for name, expected in CAPTURED:
        with open(fixture(name), "rb") as file:
            found = findings([printable(line) for line in file.read().split(b"\n")])
        assert [finding for _, finding in found] == expected, name
        stamps = [stamp_cs for stamp_cs, _ in found]
        if "2.6.30" in name:  # built without CONFIG_PRINTK_TIME
            assert stamps == [None] * len(stamps), name
        else:
            assert None not in stamps and stamps == sorted(stamps), name


def test_parse_record_gives_text_stamp_and_sequence():
    for record, text, stamp_cs, sequence in RECORDS:
        assert parse_record(record) == (text, stamp_cs, sequence), record


def test_record_that_a_program_wrote_has_no_text():
    for priority, text in ((0, "a"), (7, "a"), (8, None), (12, None), (30, None), (191, None)):
        assert parse_record(b"%d,9,10000,-;a\n" % priority) == (text, 1, 9)


def test_parse_record_refuses_other_shapes():
    for record in (b"", b"\n", b"no record\n", b";a\n", b"6,1;a\n", b"6,x,2,-;a\n", b"6,1,x,-;a\n", b"6,1,2,-;\\xzz\n"):
        assert raises(ValueError, parse_record, record), record


def test_printable_keeps_ascii_only():
    assert printable(bytes(range(256))) == "?" * 32 + str(bytes(range(32, 127)), "ascii") + "?" * 129
    assert printable(bytearray(b"rm\xff")) == "rm?"
