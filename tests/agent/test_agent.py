"""The agent: boot ids, the hello, and events about the agent itself."""

import sys

from agents import agent, agent_on, events
from buddyd import agent as agent_module
from buddyd import compat, sources, start, wire, wire_host
from harness import read
from scratch import Scratch

PROC = "captures/frag-4k-bflt/proc/"


def hello(here):
    facts = {}
    for line in here.hello():
        facts.update(wire_host.parse_facts(wire.unseal(line)))
    return facts


def test_boot_ids_are_8_hex_digits_and_differ():
    boots = [start.new_boot_id("/no/such/folder") for _ in range(50)]
    assert len(set(boots)) == 50
    for boot in boots:
        assert len(boot) == 8
        for char in boot:
            assert char in "0123456789abcdef"


def test_boot_ids_differ_where_the_board_has_no_random_bytes():
    """Of a kernel without entropy after power-on, or without /dev/urandom; what /proc says differs."""
    before = compat.os
    try:
        for without in (SameBytes(), NoBytes()):
            compat.os = without
            with Scratch() as scratch:
                for name in ("uptime", "self/stat"):  # another time, another process id
                    boots = []
                    for number in range(20):
                        scratch.write(name, b"%d.%02d 8.91\n" % (number, number))
                        boots.append(start.new_boot_id(scratch.path))
                    assert len(set(boots)) == 20
    finally:
        compat.os = before


def test_board_name_is_given_or_the_host_name():
    with Scratch() as board:
        assert start.board_name(board.path, "xport-07") == "xport-07"
        assert start.board_name(board.path, "a b/c~\u00e9") == "a-b-c---"  # two bytes
        assert start.board_name(board.path, "x" * 100) == "x" * 64
        assert start.board_name(board.path, None) == "board"
        board.write("sys/kernel/hostname", b"port 7\n")
        assert start.board_name(board.path, None) == "port-7"
        for none in (b"\n", b"(none)\n"):
            board.write("sys/kernel/hostname", none)
            assert start.board_name(board.path, None) == "board", none


def test_what_only_the_start_needs_is_unloaded():
    agent()
    assert "buddyd.sources.system_files" not in sys.modules


def test_facts_stay_when_the_files_of_the_agent_are_gone():
    """As after a remount: what is imported again and again may not come."""
    here = agent()
    kernel = hello(here)["kernel"]
    before = sources.__path__
    sources.__path__ = type(before)()  # CPython has a list there, MicroPython a string
    try:
        here.sampler.refresh()
    finally:
        sources.__path__ = before
    assert hello(here)["kernel"] == kernel


class SameBytes:
    """The part of os that a boot id needs, on a board without entropy."""

    def urandom(self, count):
        return bytes(count)


class NoBytes:
    """The same without /dev/urandom."""

    def urandom(self, count):
        raise OSError(2, "")


def test_hello_says_what_the_ring_holds():
    here = agent()
    facts = hello(here)
    assert (facts["oldest"], facts["next"], facts["key"], facts["dropped"]) == ("1", "1", "0", "0")
    assert facts["interval_cs"] == str(here.encoder.interval_cs) == "500"
    while here.ring.dropped == 0:
        here.poll()
    facts = hello(here)
    assert facts["oldest"] == str(here.ring.oldest)
    assert facts["next"] == str(here.ring.next)
    assert facts["key"] == str(here.ring.key)
    assert facts["dropped"] == str(here.ring.oldest - 1)
    assert facts["ring"] == "2048"
    assert int(facts["poll_us"]) >= 0


def test_hello_names_what_is_missing():
    assert hello(agent())["missing"] == "sys/kernel/random/boot_id,kernel-log"
    with Scratch() as scratch:
        for name in ("buddyinfo", "zoneinfo", "kmsg"):
            scratch.write(name, read(PROC + name) if name != "kmsg" else b"")
        missing = hello(agent_on(scratch.path))["missing"].split(",")
        assert "kernel-log" not in missing
        for name in ("meminfo", "stat", "uptime"):
            assert name in missing


def test_source_that_is_lost_and_back_is_an_event():
    with Scratch() as scratch:
        for name in ("buddyinfo", "stat", "uptime"):
            scratch.write(name, read(PROC + name))
        here = agent_on(scratch.path)
        here.poll()
        scratch.write("stat", b"")
        here.poll()
        scratch.write("stat", read(PROC + "stat"))
        here.poll()
        told = [(event[0], event[1], event[5]) for event in events(here)]
        assert told == [(1468, "source", "lost stat"), (1468, "source", "back stat")]


def test_poll_without_buddyinfo_gives_no_snapshot_and_is_told():
    with Scratch() as scratch:
        scratch.write("buddyinfo", read(PROC + "buddyinfo"))
        here = agent_on(scratch.path)
        here.poll()
        scratch.write("buddyinfo", b"")
        here.poll()
        here.poll()
        assert [event[5] for event in events(here)] == ["lost buddyinfo"]
        assert here.ring.next == 3


def test_facts_are_read_again_after_ten_minutes():
    with Scratch() as scratch:
        scratch.write("buddyinfo", read(PROC + "buddyinfo"))
        scratch.write("sys/kernel/osrelease", b"6.1.192\n")
        here = agent_on(scratch.path)
        scratch.write("sys/kernel/osrelease", b"6.1.193\n")
        here.poll()
        assert hello(here)["kernel"] == "6.1.192"
        here.refreshed_ms = compat.ticks_add(compat.ticks_ms(), -agent_module.REFRESH_MS)
        here.poll()
        assert hello(here)["kernel"] == "6.1.193"
        scratch.write("sys/kernel/osrelease", b"6.1.194\n")
        here.poll()
        assert hello(here)["kernel"] == "6.1.193"


def test_effective_settings_are_a_line():
    assert start.effective(agent()) == (
        "xport-07: 1 zones, every 5000 ms, ring 2048 bytes, missing: sys/kernel/random/boot_id, kernel-log"
    )
