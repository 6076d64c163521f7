"""--set: sysctls that are written after the start, and watched."""

from agents import agent_on, events
from buddyd import options
from buddyd.sources import sysctl
from buddyd.sources.sysctl import Tuning
from harness import fixture, raises
from scratch import Scratch

KEY = "vm.nr_trim_pages"
CAPTURE = "captures/frag-4k-bflt-2.6.30-cron/proc/"


def board(scratch):
    """An agent on a folder in place of /proc, with one sysctl."""
    for name in ("buddyinfo", "meminfo"):
        with open(fixture(CAPTURE + name), "rb") as file:
            scratch.write(name, file.read())
    scratch.write("sys/vm/nr_trim_pages", b"1\n")
    return agent_on(scratch.path)


def told(here):
    return [event[5] for event in events(here) if event[1] == "source"]


def facts(here):
    return dict(here._facts(0, 0, 0, 0))


def test_sysctl_is_written_once_and_reported():
    with Scratch() as scratch:
        here = board(scratch)
        Tuning(here, ((KEY, "0"),))
        assert sysctl.read(scratch.path + "/sys/vm/nr_trim_pages") == "0"
        assert told(here) == ["set vm.nr_trim_pages to 0; it was 1"]
        assert facts(here)["set"] == "vm.nr_trim_pages=0"
        assert facts(here)["trim"] == "0"


def test_change_by_somebody_else_is_reported_once_and_left_alone():
    with Scratch() as scratch:
        here = board(scratch)
        tuning = Tuning(here, ((KEY, "0"),))
        tuning.look()
        scratch.write("sys/vm/nr_trim_pages", b"1\n")
        for _ in range(3):
            tuning.look()
        assert told(here)[1:] == ["vm.nr_trim_pages was changed from 0 to 1, not by buddyd"]
        assert sysctl.read(scratch.path + "/sys/vm/nr_trim_pages") == "1"


def test_agent_looks_when_it_reads_the_facts_again():
    with Scratch() as scratch:
        here = board(scratch)
        here.tuning = Tuning(here, ((KEY, "0"),))
        scratch.write("sys/vm/nr_trim_pages", b"1\n")
        here.poll()
        assert len(told(here)) == 1
        here.refreshed_ms -= 600000
        here.poll()
        assert told(here)[1] == "vm.nr_trim_pages was changed from 0 to 1, not by buddyd"


def test_sysctl_that_is_not_there_is_reported_and_not_made():
    with Scratch() as scratch:
        here = board(scratch)
        Tuning(here, (("vm.none", "0"), (KEY, "0")))
        assert told(here) == [
            "cannot set vm.none to 0: no such file or device",
            "set vm.nr_trim_pages to 0; it was 1",
        ]


def test_key_leads_nowhere_else():
    for key in ("..x", "a..b", "/etc/passwd", "", "vm.", "x" * 101):
        raises(ValueError, sysctl.path_of, "/proc/", key)
    assert sysctl.path_of("/proc/", "net.core/x") == "/proc/sys/net/core/x"


def test_option_is_a_list():
    assert options.check({})["set"] == ()
    assert options.check({"set": "vm.nr_trim_pages=0, vm.x = 1 2"})["set"] == ((KEY, "0"), ("vm.x", "1 2"))
    for text in ("vm.x", "vm.x=", "=1", "vm..x=1", ",vm.x=1"):
        assert "expected KEY=VALUE" in str(raises(options.OptionError, options.check, {"set": text})), text
