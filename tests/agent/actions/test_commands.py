"""Commands as a host gives them over a serial line: what they print, in BusyBox's words, and what they leave behind."""

import os

from agents import agent, agent_on
from buddyd import compat
from buddyd.actions import change
from buddyd.compat.calls import words
from buddyd.talk.conversation import Conversation
from clock import Clock
from commanding import Commander, allow
from harness import fixture
from places_of_files import SERIAL, Place, commander


def in_words(number):
    """The text of an error, which differs between C libraries."""
    return words(OSError(number, "")).encode()


def test_copies_have_the_mode_of_their_source():
    with Place() as place:
        place.write("script", b"echo")
        place.write("there", b"")
        os.system("chmod 750 %s/script; chmod 604 %s/there" % (place.scratch.path, place.scratch.path))
        place.works(b"cp", b"%s/script", b"%s/new")
        place.works(b"cp", b"%s/script", b"%s/there")
        modes = [os.stat(place.scratch.path + name)[0] & 0o777 for name in ("/new", "/there")]
        assert modes == [0o750, 0o604]


def test_rmdir_mkdir_and_their_failures():
    with Place() as place:
        assert place.works(b"mkdir", b"%s/a") == b""
        assert place.fails(b"mkdir", b"%s/a") == b"mkdir: can't create directory '%s/a': File exists\n"
        assert (
            place.fails(b"mkdir", b"%s/x/y") == b"mkdir: can't create directory '%s/x/y': No such file or directory\n"
        )
        assert place.works(b"mkdir", b"-p", b"%s/a/b/c", b"%s/a/b") == b""
        assert place.names("/a/b") == ["c"]
        assert place.fails(b"rmdir", b"%s/a") == b"rmdir: '%s/a': Directory not empty\n"
        assert place.works(b"rmdir", b"%s/a/b/c") == b""
        assert place.names("/a/b") == []


def test_mv_and_cp_into_a_folder_and_onto_a_name():
    with Place() as place:
        text = bytes(range(256)) * 9
        place.write("a", text)
        place.write("d/x", b"")
        assert place.works(b"cp", b"%s/a", b"%s/b") == b""
        assert place.works(b"cp", b"%s/a", b"%s/b", b"%s/d") == b""
        assert (place.read("b"), place.read("d/a"), place.read("d/b")) == (text, text, text)
        assert place.works(b"mv", b"%s/b", b"%s/c") == b""
        assert place.works(b"mv", b"%s/c", b"%s/d/") == b""
        assert place.names() == ["a", "d"]
        assert place.names("/d") == ["a", "b", "c", "x"]
        assert place.fails(b"mv", b"%s/no", b"%s/n") == b"mv: can't rename '%s/no': No such file or directory\n"
        assert place.fails(b"cp", b"%s/no", b"%s/n") == b"cp: can't open '%s/no': No such file or directory\n"
        assert place.fails(b"cp", b"%s/d", b"%s/n") == b"cp: omitting directory '%s/d'\n"
        assert place.fails(b"cp", b"%s/a", b"%s/a") == b"cp: '%s/a' and '%s/a' are the same file\n"
        assert place.fails(b"cp", b"%s/a", b"%s/d", b"%s/a") == b"cp: '%s/a' is not a directory\n"
        assert place.fails(b"cp", b"%s/a", b"%s/no/n") == b"cp: can't create '%s/no/n': No such file or directory\n"
        assert place.read("a") == text


def test_truncate_and_write():
    with Place() as place:
        assert place.works(b"write", b"%s/a", b"one", b"two") == b""
        assert place.works(b"write", b"-a", b"%s/a", b"three") == b""
        assert place.read("a") == b"one two\nthree\n"
        assert place.works(b"truncate", b"-s", b"3", b"%s/a") == b""
        assert place.read("a") == b"one"
        assert place.works(b"truncate", b"-s", b"1k", b"%s/new") == b""
        assert place.read("new") == bytes(1024)
        assert place.works(b"truncate", b"-c", b"-s", b"1k", b"%s/none") == b""
        assert place.names() == ["a", "new"]
        assert place.fails(b"truncate", b"-s", b"x", b"%s/a") == b"truncate: invalid number 'x'\n"
        assert place.fails(b"truncate", b"%s/a")[:15] == b"Usage: truncate"
        assert place.fails(b"write", b"%s", b"x") == b"write: can't write to '%s': Is a directory\n"


def test_cat_head_and_tail():
    with Place() as place:
        lines = b"".join([b"line %d\n" % number for number in range(300)])
        place.write("a", lines)
        place.write("open", b"x\ny")
        assert place.works(b"cat", b"%s/a", b"%s/open") == lines + b"x\ny"
        assert place.works(b"head", b"%s/a") == lines[:70]
        assert place.works(b"head", b"-n", b"200", b"%s/a") == b"\n".join(lines.split(b"\n")[:200]) + b"\n"
        assert place.works(b"head", b"-n0", b"%s/a") == b""
        assert place.works(b"head", b"-c", b"700", b"%s/a") == lines[:700]
        assert place.works(b"tail", b"-n", b"3", b"%s/a") == b"line 297\nline 298\nline 299\n"
        assert place.works(b"tail", b"-n", b"1", b"%s/open") == b"y"
        assert place.works(b"tail", b"-n", b"1000", b"%s/a") == lines
        assert place.works(b"tail", b"-c", b"700", b"%s/a") == lines[-700:]
        both = place.works(b"tail", b"-n1", b"%s/a", b"%s/open")
        assert both == b"==> %s/a <==\nline 299\n==> %s/open <==\ny"
        assert place.fails(b"cat", b"%s/no") == b"cat: can't open '%s/no': No such file or directory\n"
        assert place.fails(b"cat", b"%s") == b"cat: can't open '%s': Is a directory\n"


def test_nothing_that_may_wait_or_act_is_opened():
    with Place() as place:
        assert os.system("mkfifo %s/fifo" % place.scratch.path) == 0
        place.link("loop", "loop")
        place.link("/proc/./kmsg", "log")
        for path in (b"%s/fifo", b"/dev/zero", b"/dev/null", b"/proc/kmsg", b"%s/log"):
            assert place.fails(b"cat", path) == b"cat: can't open '" + path + b"': Invalid argument\n"
            assert place.fails(b"cp", path, b"%s/x")[-18:] == b" Invalid argument\n"
        assert place.fails(b"write", b"/dev/null", b"x") == b"write: can't write to '/dev/null': Invalid argument\n"
        assert place.fails(b"truncate", b"-s0", b"%s/fifo") == b"truncate: %s/fifo: Invalid argument\n"
        loop = in_words(40) + b"\n"  # ELOOP
        assert place.fails(b"cat", b"%s/loop") == b"cat: can't open '%s/loop': " + loop
        assert place.works(b"rm", b"%s/loop", b"%s/log", b"%s/fifo") == b""
        assert place.names() == []


def test_ls_shows_names_as_the_kernel_has_them():
    with Place() as place:
        place.write("a", b"12345")
        place.write(".hidden", b"")
        place.write("d/x", b"")
        place.link("a", "link")
        shown = place.works(b"ls", b"%s")
        assert sorted(shown.split(b"\n")) == [b"", b"a", b"d", b"link"]
        assert b".hidden\n" in place.works(b"ls", b"-a", b"%s")
        assert place.works(b"ls", b"%s/a") == b"%s/a\n"
        assert place.works(b"ls", b"-d", b"%s/d") == b"%s/d\n"
        long = place.works(b"ls", b"-l", b"%s/a").split()
        assert (long[0][:4], long[1], long[4], long[7]) == (b"-rw-", b"1", b"5", b"%s/a")
        assert place.works(b"ls", b"-l", b"%s/link").endswith(b" %s/link -> a\n")
        assert place.works(b"ls", b"-ld", b"%s/d")[:4] == b"drwx"
        assert place.works(b"ls", b"%s/d", b"%s/a").endswith(b"\n%s/d:\nx\n%s/a\n")
        assert place.fails(b"ls", b"%s/no") == b"ls: %s/no: No such file or directory\n"


def test_dates_and_modes_are_those_of_ls():
    from buddyd.actions import look

    for seconds, text in (
        (0, "1970-01-01 00:00"),
        (951782399, "2000-02-28 23:59"),
        (951868800, "2000-03-01 00:00"),
        (1709210096, "2024-02-29 12:34"),
        (1735689599, "2024-12-31 23:59"),
        (4107542400, "2100-03-01 00:00"),
    ):
        assert look.date_text(seconds) == text, text
    for mode, text in (
        (0o100644, "-rw-r--r--"),
        (0o041777, "drwxrwxrwt"),
        (0o104755, "-rwsr-xr-x"),
        (0o120777, "lrwxrwxrwx"),
    ):
        assert look.mode_text(mode) == text


def test_du_counts_what_lies_in_folders():
    with Place() as place:
        place.write("a/b/c", b"x" * 5000)
        place.write("a/d", b"x" * 9000)
        rows = [row.split(b"\t") for row in place.works(b"du", b"%s/a").split(b"\n")[:-1]]
        sizes = {path: int(size) for size, path in rows}
        assert sorted(sizes) == [b"%s/a", b"%s/a/b"]
        assert sizes[b"%s/a"] > sizes[b"%s/a/b"] >= 8
        assert place.works(b"du", b"-s", b"%s/a") == b"%d\t%%s/a\n" % sizes[b"%s/a"]
        one = place.works(b"du", b"%s/a/d")
        assert one.endswith(b"\t%s/a/d\n") and int(one.split(b"\t")[0]) >= 8
        assert place.fails(b"du", b"%s/no") == b"du: %s/no: No such file or directory\n"


def test_df_and_mount_list_what_is_mounted():
    place = commander(agent_on("/proc"))
    output, failure, code = place.run(b"df", b"/")
    head, row = output.split(b"\n")[:2]
    assert (failure, code, head.split()[0]) == (b"", 0, b"Filesystem")
    assert int(row.split()[1]) > int(row.split()[2]) > 0
    output, failure, code = place.run(b"mount")
    assert b"proc on /proc type proc (" in output
    assert place.run(b"df")[2] == 0
    assert place.run(b"mount", b"/x")[1] == b"mount: only the list is shown here; give no words\n"


def test_ps_shows_memory_in_pieces_where_addresses_are_physical():
    with Place() as place:
        for name in ("buddyinfo", "meminfo"):
            with open(fixture("captures/frag-4k-bflt-2.6.30-cron/proc/" + name), "rb") as file:
                place.write(name, file.read())
        place.write("sys/vm/nr_trim_pages", b"1\n")
        place.write("7/stat", b"7 (a) b) S 1 0 0 0 -1 256 0 0 0 0 11 4 0 0 20 0 1 0 5 9 17 42 0\n")
        place.write("7/maps", b"40240000-4024d000 rwxp 0 00:00 0 \n40300000-40301000 rwxp 0 00:00 0 \n")
        here = commander(agent_on(place.scratch.path))
        rows = here.run(b"ps")[0].split(b"\n")
        assert rows[1].split(None, 4) == [b"7", b"S", b"56", b"52+4", b"a) b"]


def test_kill_names_what_it_cannot_end():
    with Place() as place:
        assert place.fails(b"kill", b"-9", b"99999999") == b"kill: can't kill pid 99999999: No such process\n"
        assert place.fails(b"kill", b"12x") == b"kill: invalid number '12x'\n"
        for everybody in (b"-1", b"0"):  # kill(2) takes both for whole groups of processes
            assert place.fails(b"kill", b"-9", everybody) == b"kill: invalid number '%s'\n" % everybody
        assert place.fails(b"kill", b"-FOO", b"5") == b"kill: bad signal name 'FOO'\n"
        assert place.fails(b"kill")[:12] == b"Usage: kill "


def test_sysctl_reads_and_writes_below_proc_sys_only():
    with Place() as place:
        for name in ("buddyinfo", "meminfo"):
            with open(fixture("captures/frag-4k-bflt-2.6.30-cron/proc/" + name), "rb") as file:
                place.write(name, file.read())
        place.write("sys/vm/nr_trim_pages", b"1\n")
        place.write("secret", b"1\n")
        here = commander(agent_on(place.scratch.path))
        assert here.run(b"sysctl", b"vm.nr_trim_pages") == (b"vm.nr_trim_pages = 1\n", b"", 0)
        assert here.run(b"sysctl", b"-w", b"vm.nr_trim_pages=0") == (b"vm.nr_trim_pages = 0\n", b"", 0)
        assert place.read("sys/vm/nr_trim_pages")[:1] == b"0"
        missing = b"sysctl: error setting key 'vm.no': No such file or directory\n"
        assert here.run(b"sysctl", b"-w", b"vm.no=1") == (b"", missing, 1)
        for key in (b"../secret", b"vm/../../secret", b"...secret", b"/etc/passwd", b""):
            output, failure, code = here.run(b"sysctl", b"-w", key + b"=1")
            assert (output, code) == (b"", 1) and b"is no key" in failure, key
        assert place.read("secret") == b"1\n"
        missing = here.run(b"drop-caches")[1]
        assert missing.startswith(b"drop-caches: ") and missing.endswith(b": No such file or directory\n")
        place.write("sys/vm/drop_caches", b"0\n")
        assert here.run(b"drop-caches", b"2") == (b"", b"", 0)
        assert place.read("sys/vm/drop_caches")[:1] == b"2"
        assert here.run(b"free")[0].split(b"\n")[1].split()[0] == b"Mem:"


class Disk:
    """A board whose kernel has written more at each of the agent's waits. left: kB dirty and in writeback, then."""

    def __init__(self, place, clock, *left):
        self.place, self.clock, self.left, self.synced_at = place, clock, list(left), []
        self.pass_on()
        with open(fixture("captures/frag-4k-bflt/proc/buddyinfo"), "rb") as file:
            place.write("buddyinfo", file.read())

    def pass_on(self):
        dirty_kb, writeback_kb = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        self.place.write("meminfo", b"Cached: 5 kB\nDirty: %d kB\nWriteback: %d kB\n" % (dirty_kb, writeback_kb))

    def sync(self):
        self.synced_at.append(self.left[0])

    def run(self):
        """(failure, exit code) of `sync`, without waiting."""

        here = commander(agent_on(self.place.scratch.path))

        def wait(_, timeout_ms):
            self.clock.pass_ms(timeout_ms)
            self.pass_on()
            here.agent.commands.desk.heard_ms = self.clock.now_ms  # the host asks again

        before = compat.wait, change.calls
        compat.wait, change.calls = wait, self
        try:
            return here.run(b"sync")[1:]
        finally:
            compat.wait, change.calls = before


def test_sync_leaves_to_the_kernel_what_takes_long():
    with Clock() as clock, Place() as place:
        disk = Disk(place, clock, (9000, 0), (9000, 500), (100, 200), (10, 200), (0, 0))
        assert disk.run() == (b"", 0)
        assert disk.synced_at == [(0, 0)] and b"Dirty: 10 kB" in place.read("meminfo")
        slow = Disk(place, clock, *[(9000 - number, 0) for number in range(2000)], (256, 0))
        assert slow.run() == (b"", 0) and slow.synced_at == [(256, 0)]
        stuck = Disk(place, clock, (257, 0))
        assert stuck.run() == (b"sync: 257 kB are not written yet, and the kernel does not get on with it\n", 1)
        assert not stuck.synced_at
        place.scratch.remove("meminfo")
        assert commander(agent_on(place.scratch.path)).run(b"sync") == (b"", b"", 0)


def test_unknown_and_forbidden_commands():
    here = agent()
    host = Commander(Conversation(allow(here, ("files",)), SERIAL))
    assert host.run(b"vi", b"x") == (b"", b"vi: applet not found\n", 1)
    assert host.run(b"ps") == (b"", b"ps: not allowed on this board; start buddyd with --allow processes\n", 1)
    assert host.run(b"reboot")[1] == b"reboot: not allowed on this board; start buddyd with --allow reboot\n"


def test_names_with_any_bytes_are_kept():
    with Place() as place:
        name = b"%s/new\nline \xff\xfe'"
        assert place.works(b"write", name, b"x") == b""
        assert place.works(b"ls", b"%s") == b"new\nline \xff\xfe'\n"
        assert place.fails(b"cat", name + b"2")[-28:] == b": No such file or directory\n"[-28:]
        assert place.works(b"rm", name) == b""
        assert place.names() == []


def test_long_path_is_the_kernels_error():
    with Place() as place:
        failure = place.fails(b"rm", b"%s/" + b"x" * 300)
        assert failure.endswith(b": " + in_words(36) + b"\n") and len(failure) < 250  # ENAMETOOLONG
