"""The pages about buddyd: options, exit codes, answers, limits, and what it costs to lack a source."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docs_pages
import heaptrial
import pytest
import rig
from buddyd import options, wire
from buddyd.links import base, console, network, telnet_server
from buddyd.sample import Sampler
from buddyd.sources.kmsg import KernelLog
from buddyd.talk import answers, conversation, secret
from buddywatch.links import connection
from conftest import AgentCommand
from docs_pages import DOCS, GUIDES, TOP, Typed
from waiting import DEADLINE_S

REFERENCE = DOCS / "reference" / "buddyd.md"
TELNET = DOCS / "how-to" / "telnet-and-dial-out.md"
SHELL = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # where `python3` is this one
SESSION = next(
    typed for typed in docs_pages.typed(DOCS / "how-to" / "talk-to-a-board.md") if typed.line.startswith("telnet ")
)
SHOWN = [typed for page in GUIDES for typed in docs_pages.typed(page) if typed.output and "-m buddyd" in typed.line]
SIZES_TOLERANCE = 0.1  # any change of the agent changes them
HEAPS = docs_pages.rows(docs_pages.section(DOCS / "how-to" / "run-buddyd-on-a-board.md", "How much heap"))


def steady(text: str) -> str:
    """text without what is another each time: how long a poll took."""
    return re.sub(r"poll \d+ us", "poll N us", text)


def test_options_table_is_that_of_the_help() -> None:
    expected = [[f"`--{name}{' ' * bool(arg)}{arg}`", text, default] for name, arg, text, default in options.OPTIONS]
    assert docs_pages.rows(docs_pages.section(REFERENCE, "Options")) == expected


def test_help_names_the_exit_codes_of_the_table() -> None:
    said = options.usage().splitlines()[-1].removeprefix("exit codes: ")
    expected = [entry.split(" ", 1) for entry in said.split(", ")]
    assert docs_pages.rows(docs_pages.section(REFERENCE, "Exit codes")) == expected


def test_sample_file_is_taken(tmp_path: Path) -> None:
    (block,) = docs_pages.blocks(REFERENCE, "conf")
    (tmp_path / "buddyd.conf").write_text(block.text)
    settings = options.load(["--config", str(tmp_path / "buddyd.conf")])
    assert settings["name"] == "xport-07"
    assert settings["serial"] == ("/dev/ttyS0", 115200, False)
    assert settings["telnet"] == ("0.0.0.0", 2323)
    assert (settings["interval_ms"], settings["ring"]) == (5000, 32768)


@pytest.mark.parametrize("typed", SHOWN, ids=lambda typed: typed.line)
def test_shown_output_is_the_true_one(typed: Typed) -> None:
    done = subprocess.run(typed.line, shell=True, cwd=TOP, env=SHELL, capture_output=True, text=True, check=False)
    assert steady(done.stdout + done.stderr) == steady(typed.output)


def turns(session: Typed) -> Iterator[tuple[str, str]]:
    """(what a person types, what is answered); nothing is typed to get the greeting."""
    typed, answer = "", ""
    for line in session.output.splitlines(keepends=True):
        if re.fullmatch(r"(help|status|need \d+|recent \d+|reboot)\n", line):
            yield typed, answer
            typed, answer = line.strip(), ""
        else:
            answer += line
    yield typed, answer


def test_shown_session_is_the_true_one(agent_command: AgentCommand) -> None:
    port = rig.free_port()
    proc = TOP / "tests/fixtures/captures/frag-4k-bflt/proc"
    # The interval is as long as that in the answers, so that there is one snapshot.
    argv = [*agent_command.argv, "--proc", str(proc), "--telnet", str(port)]
    with subprocess.Popen(argv, env=agent_command.env, stderr=subprocess.DEVNULL) as agent:
        try:
            client = heaptrial.Client(agent, port)
            spoken = [(line, answer.replace("../tests/", f"{TOP}/tests/")) for line, answer in turns(SESSION)]
            assert spoken[0] == ("", "buddyd 0.1.0 on board. Type help.\n")
            for line, answer in spoken[1:]:
                last = answer.splitlines()[-1].encode()
                expected = re.sub(r"heap .*? \(CPython\)|heap \d+ of \d+ bytes", "heap", steady(answer))
                client.socket.sendall(line.encode() + b"\r\n")
                heard = client.until(last[-20:] + b"\r\n").decode().replace("\r\n", "\n")
                assert re.sub(r"heap .*? \(CPython\)|heap \d+ of \d+ bytes", "heap", steady(heard)) == expected
            client.socket.close()
        finally:
            agent.terminate()


def test_heap_is_recommended_for_each_form() -> None:
    assert [row[0] for row in HEAPS] == ["frozen", ".mpy", ".py"]


@pytest.mark.parametrize(("form", "heap"), [row[:2] for row in HEAPS])
def test_recommended_heap_is_enough(
    form: str, heap: str, request: pytest.FixtureRequest, micropython: str, proc_dir: Path
) -> None:
    interpreter, search = micropython, str(TOP / "agent")
    if form == "frozen":
        interpreter, search = request.getfixturevalue("frozen_micropython"), ".frozen"
    elif form == ".mpy":
        search = request.getfixturevalue("compiled_agent")
    argv = [interpreter, "-X", f"heapsize={heap}", "-m", "buddyd"]
    outcome = heaptrial.trial(argv, {**os.environ, "MICROPYPATH": search}, proc_dir, 100)
    assert (outcome.failure, outcome.exit_code) == ("", 0), outcome.stderr


def test_sizes_of_the_files_are_about_those_of_the_pages(compiled_agent: str) -> None:
    mpy, py = (
        sum(file.stat().st_size for file in Path(compiled_agent, "..").rglob(f"*.{kind}")) for kind in ("mpy", "py")
    )
    pages = (DOCS / "how-to" / "run-buddyd-on-a-board.md", DOCS / "how-it-works" / "costs.md")
    built, shown = (docs_pages.flat(page.read_text()) for page in pages)
    numbers = re.findall(r"buddyd (\d+) bytes as .py, (\d+) bytes as .mpy", built)[0]
    rounded = re.findall(r"(\d+) kB as .py, (\d+) kB as .mpy", shown)[0]
    for true, exact, kilobytes in zip((py, mpy), numbers, rounded, strict=True):
        assert abs(int(exact) - true) <= SIZES_TOLERANCE * true, true
        assert abs(1000 * int(kilobytes) - true) <= SIZES_TOLERANCE * true, true


def test_every_source_that_can_be_missing_is_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "buddyinfo").write_text("Node 0, zone   Normal      1      0      2 \n")
    sampler = Sampler(str(tmp_path))
    missing = set(sampler.missing())
    assert {"meminfo", "zoneinfo", "stat", "uptime"} <= missing
    assert KernelLog(str(tmp_path)).file is None
    table = docs_pages.rows(docs_pages.section(REFERENCE, "Files it reads"))
    named = {name for row in table for name in docs_pages.code(row[0])}
    assert missing - named == set()


@pytest.mark.parametrize(
    ("page", "title", "words"),
    [
        ("how-it-works/costs.md", "Heap", f"default ring of {options.check({})['ring'] // 1024} kB"),
        ("how-it-works/wire.md", "The ring", f"default of {options.check({})['ring'] // 1024} kB"),
        ("how-it-works/wire.md", "Frames", f"at least every {wire.KEY_EVERY} snapshots"),
        (TELNET, "Telnet", "Two clients at once; a third" if telnet_server.CLIENTS_MAX == 2 else "another number"),
        (TELNET, "Telnet", f"`busy: {telnet_server.CLIENTS_MAX} clients are connected`"),
        (TELNET, "Telnet", "nothing for ten minutes" if network.IDLE_MS == 600_000 else "another time"),
        (TELNET, "Telnet", f"every {'four' if connection.KEEPALIVE_S == 240 else 'other'} minutes"),
        (TELNET, "Telnet", f"{conversation.INPUT_MAX} characters are taken; of {network.LINES_A_SECOND} lines"),
        ("how-to/serial-line.md", "A console with a shell", f"at most {console.LINES_A_POLL} lines a poll"),
        ("how-to/serial-line.md", "A line of its own", f"a hello every {conversation.HELLO_EVERY} frames"),
        ("how-to/secrets.md", "A secret", f"a line of {secret.SECRET_MIN} to {secret.SECRET_MAX} characters"),
        ("how-to/secrets.md", "What changes", f"proven nothing after {network.PROVE_MS // 1000} seconds"),
        (REFERENCE, "Options", "1 s, 2 s, 4 s and so on up to a minute"),
        (REFERENCE, "What a person can type", f"at most {answers.RECENT_MAX})"),
    ],
    ids=lambda value: str(value)[-30:],
)
def test_number_on_the_page_is_that_of_the_code(page: str | Path, title: str, words: str) -> None:
    assert words in docs_pages.flat(docs_pages.section(DOCS / page, title))


def test_retries_are_those_of_the_code() -> None:
    assert (base.RETRY_MIN_MS, base.RETRY_MAX_MS) == (1000, 60_000)


def test_third_client_gets_what_the_page_says(agent_command: AgentCommand, proc_dir: Path) -> None:
    port = rig.free_port()
    argv = [*agent_command.argv, "--proc", str(proc_dir), "--telnet", str(port)]
    with subprocess.Popen(argv, env=agent_command.env, stderr=subprocess.DEVNULL) as agent:
        try:
            clients = [heaptrial.Client(agent, port) for _ in range(telnet_server.CLIENTS_MAX)]
            with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as third:
                answer = third.makefile().readline().strip()
            for client in clients:
                client.socket.close()
        finally:
            agent.terminate()
    assert f"`{answer}`" in docs_pages.section(TELNET, "Telnet")
