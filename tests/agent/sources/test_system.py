"""system: what can be known of a kernel from /proc, and None where it cannot."""

import os

from buddyd.sources.buddyinfo import BuddyInfo
from buddyd.sources.meminfo import MemInfo
from buddyd.sources.system import System
from buddyd.sources.system_files import page_bytes_from
from harness import fixture, read, vectors
from scratch import Scratch

ALL_MISSING = [
    "cpuinfo",
    "meminfo",
    "self/smaps",
    "sys/kernel/osrelease",
    "sys/kernel/random/boot_id",
    "version",
    "vmstat",
]

# (name, files, what is to be found)
MACHINES = (
    ("coldfire", b"CPU:\t\tCOLDFIRE(m520x)\nMMU:\t\tnone\nFPU:\t\tnone\n", "COLDFIRE(m520x)"),
    ("x86", b"processor\t: 0\nmodel name\t: Intel(R)  Xeon(R) CPU E5-2670\n", "Intel(R)-Xeon(R)-CPU-E5-"),
    ("arm", b"Processor\t: ARM926EJ-S rev 5 (v5l)\nCPU implementer\t: 0x41\n", "ARM926EJ-S-rev-5-(v5l)"),
    ("mips", b"system type\t\t: AR7\nprocessor\t\t: 0\ncpu model\t\t: MIPS 4KEc V4.8\n", "MIPS-4KEc-V4.8"),
    ("powerpc", b"processor\t: 0\ncpu\t\t: e300c3\nclock\t\t: 333MHz\n", "e300c3"),
    ("sh", b"machine\t\t: Solution Engine\ncpu family\t: sh2\ncpu type\t: SH7619\n", "SH7619"),
    (
        "riscv",
        b"processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdc\nmmu\t\t: none\nuarch\t\t: canaan,k210\n",
        "canaan,k210",
    ),
    ("riscv-emulated", b"processor\t: 0\nhart\t\t: 0\nisa\t\t: rv32imac\nmmu\t\t: none\n", "rv32imac"),
    ("odd-bytes", b"CPU:\t\tV\xff\x01 2\n", "V??-2"),
    ("unknown", b"vendor\t: none\n", None),
    ("no-name", b"CPU:\t\t\n", None),
)

RELEASES = (
    ("uclinux", b"uClinux version 2.6.30-uc0 (build@board) (gcc version 4.2.1) #9 Mon Jul 2 2012\n", "2.6.30-uc0"),
    ("linux", b"Linux version 6.1.192 (build@board) #1\n", "6.1.192"),
    ("odd-bytes", b"Linux version 6.\xff\x01 x\n", "6.??"),
    ("torn", b"Linux version\n", None),
)

# (name, files under /proc, no_mmu, compaction)
MMUS = (
    ("sysctl", {"sys/vm/nr_trim_pages": b"1\n", "meminfo": b"MemFree: 1 kB\n"}, True, "impossible"),
    ("meminfo", {"meminfo": b"MemFree: 1 kB\nMmapCopy: 844 kB\n"}, True, "impossible"),
    ("cpuinfo", {"cpuinfo": b"CPU:\tCOLDFIRE\nMMU:\tnone\n", "meminfo": b"MemFree: 1 kB\n"}, True, "impossible"),
    ("riscv", {"cpuinfo": b"isa\t\t: rv64imac\nmmu\t\t: none\n", "meminfo": b"MemFree: 1 kB\n"}, True, "impossible"),
    ("mmu-of-riscv", {"cpuinfo": b"isa\t\t: rv64imac\nmmu\t\t: sv39\n", "meminfo": b"MemFree: 1 kB\n"}, False, None),
    ("no-mmu-beats-file", {"sys/vm/nr_trim_pages": b"1\n", "sys/vm/compact_memory": b""}, True, "impossible"),
    ("mmu-in-cpuinfo", {"cpuinfo": b"CPU:\t68040\nMMU:\t68040\n", "meminfo": b"MemFree: 1 kB\n"}, False, None),
    ("max-map-count", {"sys/vm/max_map_count": b"65530\n"}, False, None),
    ("compact-memory", {"meminfo": b"MemFree: 1 kB\n", "sys/vm/compact_memory/entry": b""}, False, "supported"),
    ("vmstat", {"meminfo": b"MemFree: 1 kB\n", "vmstat": b"nr_free_pages 5\ncompact_stall 0\n"}, False, "supported"),
    ("not-compiled", {"meminfo": b"MemFree: 1 kB\n", "sys/vm/min_free_kbytes": b"360\n"}, False, "not-compiled"),
    ("nothing", {}, None, None),
)

# (free kB, free pages, page bytes): the boards' own figures first
PAGES = (
    (912, 228, 4096),
    (3164, 798, 4096),  # read moments apart: 3192 kB in buddyinfo
    (2368, 296, 8192),
    (16 * 500, 510, 16384),
    (64 * 500, 490, 65536),
    (4 * 100 + 99, 100, 4096),
    (5 * 100, 100, None),
    (6 * 100, 100, None),
    (6 * 100 + 1, 100, 8192),
    (32 * 100, 100, None),
    (0, 5, None),
    (5, 0, None),
    (None, 5, None),
    (5, None, None),
)


def system_of(files, free_pages=None):
    with Scratch() as scratch:
        for name in files:
            scratch.write(name, files[name])
        memory = None
        if "meminfo" in files:
            memory = MemInfo(scratch.path)
            memory.read()
        system = System(scratch.path)
        system.read(free_pages, memory)
    return system


def system_at(proc):
    buddyinfo, memory, system = BuddyInfo(proc), MemInfo(proc), System(proc)
    buddyinfo.read()
    memory.read()
    system.read(buddyinfo.free_pages(), memory)
    buddyinfo.close()
    memory.close()
    return system


def test_board_is_known_from_its_captures():
    for name in ("fresh-4k-bflt", "frag-4k-bflt", "fresh-8k-elf", "frag-8k-elf"):
        page_bytes = 4096 if "4k" in name else 8192
        system = system_at(fixture("captures/%s/proc" % name))
        assert (system.release, system.machine) == ("6.1.192", "COLDFIRE(m520x)"), name
        assert (system.no_mmu, system.compaction, system.nr_trim_pages) == (True, "impossible", 1), name
        assert (system.page_bytes, system.min_free_order_shift) == (page_bytes, None), name
        assert (system.boot_id, system.missing) == (None, ["sys/kernel/random/boot_id"]), name


def test_board_with_2_6_30_is_known_from_its_captures():
    for name, boot_id in (("fresh-4k-bflt-2.6.30", "4726a146"), ("frag-4k-bflt-2.6.30-files", "4726a146")):
        system = system_at(fixture("captures/%s/proc" % name))
        assert (system.release, system.machine) == ("2.6.30", "COLDFIRE(m520x)"), name
        assert (system.no_mmu, system.compaction, system.nr_trim_pages) == (True, "impossible", 1), name
        assert (system.page_bytes, system.min_free_order_shift) == (4096, None), name
        assert (system.boot_id, system.missing) == (boot_id, []), name


def test_boards_of_other_processors_are_known_from_their_captures():
    for name, machine in (
        ("rv64", "rv64imafdch_sstc_zihintp"),
        ("rv64-2-cpus", "rv64imafdch_sstc_zihintp"),
        ("rv32", "rv32imafdch_sstc_zihintp"),
        ("arm", "ARMv7-M-rev-1-(v7ml)"),
    ):
        for state in ("fresh", "frag"):
            system = system_at(fixture("captures/%s-%s/proc" % (state, name)))
            assert (system.release, system.machine) == ("6.1.176", machine), name
            assert (system.no_mmu, system.compaction, system.nr_trim_pages) == (True, "impossible", 1), name
            assert (system.page_bytes, system.missing) == (4096, ["sys/kernel/random/boot_id"]), name


def test_pc_is_known_from_its_capture():
    system = system_at(fixture("captures/pc-3zones/proc"))
    assert (system.release, system.machine, system.boot_id) == ("6.18.44", "AMD-EPYC", "5d1fe02a")
    assert (system.no_mmu, system.compaction, system.page_bytes) == (False, "supported", 4096)
    assert (system.nr_trim_pages, system.min_free_order_shift, system.missing) == (None, None, [])


def test_machine_itself_is_known():
    system = system_at("/proc")
    assert system.release[0].isdigit() and len(system.boot_id) == 8
    assert system.no_mmu is False and system.compaction in ("supported", "not-compiled")
    assert system.page_bytes in (4096, 8192, 16384, 65536)


def test_nothing_stays_open():
    before = len(os.listdir("/proc/self/fd"))
    system_at("/proc")
    assert len(os.listdir("/proc/self/fd")) == before


def test_machine_comes_from_cpuinfo():
    for name, text, machine in MACHINES:
        assert system_of({"cpuinfo": text}).machine == machine, name


def test_kernel_for_several_processors_says_so_in_its_version():
    for text, is_smp in (
        (b"Linux version 6.1.176 (root@vm) (gcc 12.2.0) #6 SMP Sat Nov 28 14:59:30 UTC 2026\n", True),
        (b"Linux version 6.1.176 (root@vm) (gcc 12.2.0) #4 Sat Nov 28 15:22:21 UTC 2026\n", False),
        (b"Linux version 6.1.176 (SMP@vm) (gcc 12.2.0) #4 PREEMPT Sat Nov 28 15:22:21 UTC 2026\n", False),
    ):
        assert system_of({"version": text}).is_smp == is_smp, text
    assert not system_of({"sys/kernel/osrelease": b"6.1.176\n"}).is_smp


def test_release_comes_from_version_where_osrelease_is_missing():
    for name, text, release in RELEASES:
        system = system_of({"version": text})
        assert system.release == release, name
        assert "sys/kernel/osrelease" in system.missing, name
    assert system_of({"sys/kernel/osrelease": b"2.6.30-lx\n", "version": b"Linux version 9.9 x"}).release == "2.6.30-lx"


def test_mmu_and_compaction():
    for name, files, no_mmu, compaction in MMUS:
        system = system_of(files)
        assert (system.no_mmu, system.compaction) == (no_mmu, compaction), name


def test_page_size_is_the_one_that_fits():
    for free_kb, free_pages, expected in PAGES:
        assert page_bytes_from(free_kb, free_pages) == expected, (free_kb, free_pages)


def test_page_size_comes_from_smaps_where_there_is_an_mmu():
    smaps = read("captures/pc-3zones/proc/self/smaps")
    for free_kb, free_pages in ((4000, 1000), (22440436, 1264406), (8000, 1000), (4000, None), (None, None)):
        files = {"self/smaps": smaps, "meminfo": b"MemTotal: 1 kB\n"}
        if free_kb:
            files["meminfo"] = b"MemFree: %d kB\n" % free_kb
        system = system_of(files, free_pages)
        assert (system.no_mmu, system.page_bytes) == (False, 4096), (free_kb, free_pages)
    files = {"self/smaps": smaps.replace(b"KernelPageSize:        4 kB", b"KernelPageSize:       64 kB")}
    assert system_of(files, 1000).page_bytes == 65536  # with or without an MMU: nothing here tells


def test_page_size_comes_from_buddyinfo_then_vmstat_where_smaps_does_not_say():
    files = {"meminfo": b"MemFree: 4000 kB\n", "vmstat": b"nr_free_pages 500\n"}
    for smaps in (None, b"08048000-0804d000 r-xp 00000000 00:00 0\nSize: 20 kB\n", b"KernelPageSize: x kB\n"):
        if smaps:
            files["self/smaps"] = smaps  # before 2.6.29
        for free_pages, page_bytes in ((1000, 4096), (10, 8192)):
            system = system_of(files, free_pages)
            assert (system.page_bytes, "self/smaps" in system.missing) == (page_bytes, False), (smaps, free_pages)
    del files["self/smaps"]
    files["vmstat"] = b"nr_free_pages 7\n"
    system = system_of(files, 10)
    assert (system.page_bytes, "self/smaps" in system.missing) == (None, True)


def test_page_size_is_compared_without_mmu_whatever_smaps_says():
    files = {
        "sys/vm/nr_trim_pages": b"1\n",
        "meminfo": b"MemFree: 4000 kB\n",
        "self/smaps": b"KernelPageSize: 64 kB\n",
    }
    assert system_of(files, 1000).page_bytes == 4096
    assert system_of(files, 10).page_bytes is None


def test_page_size_once_known_stays():
    with Scratch() as scratch:
        scratch.write("meminfo", b"MemFree: 4000 kB\n")
        memory = MemInfo(scratch.path)
        memory.read()
        system = System(scratch.path)
        system.read(1000, memory)
        system.read(None, None)
        assert system.page_bytes == 4096


def test_mounts_say_where_files_lie():
    bits = {"-": 0, "ram": 1, "rom": 2, "disk": 4}
    for case in vectors("mounts.json"):  # the host's parser is tried with them, too
        system = system_of({"mounts": bytes(case["text"], "ascii")})
        assert system.files == sum([bits[kind] for kind in case["files"].split(",")]), case["name"]
        assert "mounts" not in system.missing, case["name"]
    assert system_of({}).files is None


def test_order_shift_and_trim_are_numbers():
    system = system_of({"sys/vm/min_free_order_shift": b"4\n", "sys/vm/nr_trim_pages": b"0\n"})
    assert (system.min_free_order_shift, system.nr_trim_pages) == (4, 0)
    system = system_of({"sys/vm/min_free_order_shift": b"four\n"})
    assert system.min_free_order_shift is None


def test_empty_proc_names_each_missing_file_once():
    system = system_of({})
    assert sorted(system.missing) == ALL_MISSING
    assert (system.release, system.machine, system.boot_id, system.page_bytes) == (None, None, None, None)


def test_files_that_appear_later_are_no_longer_missing():
    with Scratch() as scratch:
        system = System(scratch.path)
        system.read(None, None)
        scratch.write("version", b"Linux version 6.1 x\n")
        system.read(None, None)
        assert system.release == "6.1"
        assert "version" not in system.missing and "cpuinfo" in system.missing
