"""agent/PROTOCOL.md says what the code does: its examples are the vectors, its tables complete, its sizes measured."""

import json
import os
import re
from pathlib import Path

import pytest
from bench import wire_sizes
from buddyd import options, ring, wire, wire_host
from buddyd.actions import desk
from buddyd.actions.commands import Commands
from buddyd.agent import Agent
from buddyd.guard.blackbox import BlackBox
from buddyd.guard.reserve import Reserve
from buddyd.guard.watchdog import Watchdog
from buddyd.links import console, network, telnet_server
from buddyd.links.network import LINES_A_SECOND
from buddyd.sample import Sampler
from buddyd.sources import kernel_messages
from buddyd.sources.kmsg import KernelLog
from buddyd.sources.sysctl import Tuning
from buddyd.talk import conversation, secret

TOP = Path(__file__).resolve().parents[2]
PAGE = (TOP / "agent" / "PROTOCOL.md").read_text()
CAPTURES = TOP / "tests" / "fixtures" / "captures"
VECTORS = json.loads((TOP / "tests" / "vectors" / "wire.json").read_text())
COMMAND = json.loads((TOP / "tests" / "vectors" / "command.json").read_text())
MEDIAN_MAX_BYTES = 16


def section(title: str) -> str:
    return re.split(r"^#+ ", PAGE.split(f"# {title}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]


def table_keys(text: str) -> set[str]:
    """What stands in backquotes in the first cells of a section's table."""
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return {key for cell in cells for key in re.findall(r"`([^`]+)`", cell)}


def test_conversation_is_that_of_the_vectors():
    shown = section("A conversation").split("```\n")[1].splitlines()
    turns = VECTORS["conversation"]["turns"]
    assert shown == [f"{turn['who']:6} {line}" for turn in turns for line in turn["lines"]]


def test_proof_of_a_secret_is_that_of_the_vectors():
    vectors = json.loads((TOP / "tests" / "vectors" / "secret.json").read_text())
    shown = section("Secrets").split("```\n")[1].splitlines()
    assert shown == [f"{turn['who']:6} {turn['line']}" for turn in vectors["turns"]]
    assert f"`{vectors['secret']}`" in section("Secrets")


def test_command_is_that_of_the_vectors():
    shown = section("Commands").split("```\n")[1].splitlines()
    turns = COMMAND["turns"]
    assert shown == [f"{turn['who']:6} {line}" for turn in turns for line in turn["lines"]]


def test_every_turn_of_the_conversation_is_explained():
    numbers = re.findall(r"^(\d+)\. ", section("A conversation"), re.MULTILINE)
    assert numbers == [str(i + 1) for i in range(len(VECTORS["conversation"]["turns"]))]


@pytest.mark.parametrize(
    ("digits", "change"), [("u)", (0, 4)), ("u*", (0, -4)), ('uO"', (0, 23)), ("$", (0, 1)), ("L", (7, -2))]
)
def test_explained_digits_mean_what_is_said(digits: str, change: tuple[int, int]):
    assert f"`{digits}`" in section("Bodies")
    out = bytearray()
    wire.put_change(out, *change)
    assert out.decode() == digits


def test_hello_table_has_every_fact(proc_dir: Path):
    (proc_dir / "sys/vm/min_free_order_shift").write_text("4\n")
    (proc_dir / "version").write_text("Linux version 6.1.176 (root@vm) #6 SMP Sat Nov 28 14:59:30 UTC 2026\n")
    settings = options.check({"proc": str(proc_dir)})
    sources = Sampler(str(proc_dir)), KernelLog(str(proc_dir))
    agent = Agent(settings, *sources, ring.Ring(settings["ring"]), "board", "0000000a")
    agent.commands = Commands(agent, options.ALLOWED)
    agent.tuning = Tuning(agent, [("vm.nr_trim_pages", "0")])
    os.mkfifo(proc_dir / "watchdog")
    Watchdog(agent, str(proc_dir / "watchdog"))
    BlackBox(agent, str(proc_dir / "box"))
    Reserve(agent, (65536,), False)
    facts = set()
    for line in agent.hello():
        facts |= set(wire_host.parse_facts(wire.unseal(line)))
    assert table_keys(section("Hello")) == facts - {"boot"} | {"z1"}


def test_column_table_has_every_column():
    assert table_keys(section("Bodies")) == set(Sampler(str(CAPTURES / "fresh-4k-bflt" / "proc")).columns)


KERNEL_LINES = [
    "Allocation of length 61440 from process 6821 (rm) failed",
    "nommu: Allocation of vma tree for process 7 failed",
    "rm: page allocation failure. order:4, mode:0xd0",
    "rm invoked oom-killer: gfp_mask=0xd0, order=2, oomkilladj=0",
    "Killed process 7 (rm)",
    "Unable to allocate RAM for process data, errno 12",
]


def test_event_table_has_every_kind():
    found = [kernel_messages.parse(line) for line in KERNEL_LINES]
    assert None not in found
    assert table_keys(section("Events")) >= {event[0] for event in found} | {"source", "more", "act"}


@pytest.mark.parametrize("trace", ["cron-a", "daemons-c", "resident-d"])
def test_snapshot_takes_few_bytes_on_a_real_trace(trace: str):
    assert wire_sizes.measure(trace).median <= MEDIAN_MAX_BYTES


@pytest.mark.slow
def test_sizes_are_the_measured_ones():
    assert [line for line in section("Sizes").splitlines() if line.startswith("|")] == wire_sizes.table()


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Lines", f"at most {wire.LINE_MAX} bytes"),
        ("The check, and why it is this one", f"modulo {wire.SEQUENCE_SPAN}"),
        ("Requests", f"at most {conversation.ASK_COUNT_MAX}."),
        ("Requests", f"at most {wire.ASK_MAX} bytes"),
        ("Groups and the ring", f"after {wire.KEY_EVERY - 1} deltas"),
        ("What is guaranteed, what may be lost", f"within {wire.KEY_EVERY} snapshots"),
        ("What is guaranteed, what may be lost", f"beyond {conversation.ANSWERS_MAX} that wait"),
        ("What the host must do", f"after {network.IDLE_MS // 60000} minutes"),
        ("Several links", f"more than {conversation.LIVE_LAG_MAX} frames"),
        ("Wires in one direction", f"every {conversation.HELLO_EVERY} frames"),
        ("Limits", f"| {conversation.INPUT_MAX} characters |"),
        ("Limits", f"| {LINES_A_SECOND} lines of a person or {10 * LINES_A_SECOND} requests a second"),
        ("Limits", f"| {network.PROVE_MS // 1000} seconds, on telnet"),
        ("Secrets", f"{secret.TOKEN_CHARS} characters"),
        ("Secrets", f"random, {secret.SECRET_MIN} characters"),
        ("Wires in one direction", f"at most {console.LINES_A_POLL} lines a poll"),
        (
            "Limits",
            f"| {network.IDLE_MS // 60000} minutes without a sign of life, {network.WATCH_MS // 60000} minutes for",
        ),
        ("Limits", f"{network.STALLED_MS // 60000} minutes without taking"),
        (
            "Limits",
            f"| {telnet_server.CLIENTS_MAX}; {telnet_server.ACCEPTS_A_SECOND} connections are accepted a second",
        ),
        ("Limits", "| one more telnet connection |" if telnet_server.WAITING_MAX == 1 else "another number"),
        ("Limits", f"after {telnet_server.YOUNG_MS // 1000} second"),
        ("Limits", f"silent for {telnet_server.SILENT_MS // 60000} minutes"),
        ("Limits", f"{telnet_server.BUSY_MS // 1000} seconds after `busy`"),
        ("Limits", f"| {ring.SIZE_MIN} bytes to {options.RING_MAX >> 20} MB |"),
        ("Limits", f"| {options.INTERVAL_MIN_MS} ms to {options.INTERVAL_MAX_MS // 86400000} day |"),
        ("Commands", f"at most {desk.PARTS_MAX} parts of {desk.PART_BYTES} bytes"),
        ("Commands", f"or {desk.WAITS_MS // 1000} s have passed"),
        ("Limits", f"{desk.PARTS_MAX * desk.PART_BYTES} bytes, {secret.CODE_BYTES} of them"),
        ("Sizes", f"about {wire_sizes.hello_bytes() // 10 * 10 + 10}"),
    ],
    ids=lambda value: value[:30],
)
def test_number_on_the_page_is_that_of_the_code(title: str, words: str):
    assert words in " ".join(section(title).split())


def test_ring_drops_a_fourth_at_a_time():
    assert ring.GROUPS_MIN == 4
    assert "a fourth of the ring's size" in " ".join(section("Groups and the ring").split())


def test_page_names_the_version():
    assert PAGE.startswith(f"# The wire between buddyd and its collector, version {wire.VERSION}\n")
