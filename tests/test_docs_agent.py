"""agent/README.md says what buddyd does: options, exit codes, answers, limits, and what it costs to lack a source."""

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
from buddyd import options
from buddyd.links import base, console, telnet_server
from buddyd.sample import Sampler
from buddyd.sources.kmsg import KernelLog
from buddyd.talk import conversation, secret
from buddywatch.links import connection
from conftest import AgentCommand
from docs_pages import TOP, Typed

PAGE = TOP / "agent" / "README.md"
SHELL = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # where `python3` is this one
SESSION = next(typed for typed in docs_pages.typed(PAGE) if typed.line.startswith("telnet "))
SHOWN = [typed for typed in docs_pages.typed(PAGE) if typed.output and "-m buddyd" in typed.line]
FORMS = ("frozen", "mpy", "py")
HEAPS = re.findall(r"So give (\w+) frozen, (\w+) as .mpy, (\w+) as source", docs_pages.flat(PAGE.read_text()))[0]


def steady(text: str) -> str:
    """text without what is another each time: how long a poll took."""
    return re.sub(r"poll \d+ us", "poll N us", text)


def test_options_table_is_that_of_the_help() -> None:
    expected = [[f"`--{name}{' ' * bool(arg)}{arg}`", text, default] for name, arg, text, default in options.OPTIONS]
    assert docs_pages.rows(docs_pages.section(PAGE, "Options"))[: len(expected)] == expected


def test_help_names_the_exit_codes_of_the_table() -> None:
    said = options.usage().splitlines()[-1].removeprefix("exit codes: ")
    expected = [entry.split(" ", 1) for entry in said.split(", ")]
    assert docs_pages.rows(docs_pages.section(PAGE, "Options"))[-len(expected) :] == expected


def test_sample_file_is_taken(tmp_path: Path) -> None:
    (block,) = docs_pages.blocks(PAGE, "conf")
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
    port = heaptrial.free_port()
    proc = TOP / "tests/fixtures/captures/frag-4k-bflt/proc"
    # The interval is as long as that in the answers, so that there is one snapshot.
    argv = [*agent_command.argv, "--proc", str(proc), "--telnet", str(port)]
    with subprocess.Popen(argv, env=agent_command.env, stderr=subprocess.DEVNULL) as agent:
        try:
            client = heaptrial.Client(agent, port)
            spoken = list(turns(SESSION))
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


@pytest.mark.parametrize(("form", "heap"), list(zip(FORMS, HEAPS, strict=True)))
def test_recommended_heap_is_enough(
    form: str, heap: str, request: pytest.FixtureRequest, micropython: str, proc_dir: Path
) -> None:
    interpreter, search = micropython, str(TOP / "agent")
    if form == "frozen":
        interpreter, search = request.getfixturevalue("frozen_micropython"), ".frozen"
    elif form == "mpy":
        search = request.getfixturevalue("compiled_agent")
    argv = [interpreter, "-X", f"heapsize={heap}", "-m", "buddyd"]
    outcome = heaptrial.trial(argv, {**os.environ, "MICROPYPATH": search}, proc_dir, 100)
    assert (outcome.failure, outcome.exit_code) == ("", 0), outcome.stderr


def test_every_source_that_can_be_missing_is_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "buddyinfo").write_text("Node 0, zone   Normal      1      0      2 \n")
    sampler = Sampler(str(tmp_path))
    missing = set(sampler.missing())
    assert {"meminfo", "zoneinfo", "stat", "uptime"} <= missing
    assert KernelLog(str(tmp_path)).file is None
    table = docs_pages.rows(docs_pages.section(PAGE, "What it needs from the kernel"))
    named = {name for row in table for name in docs_pages.code(row[0])}
    assert missing - named == set()


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("What it costs", f"default ring of {options.check({})['ring'] // 1024} kB"),
        ("Telnet", "Two clients at once; a third" if telnet_server.CLIENTS_MAX == 2 else "another number"),
        ("Telnet", f"`busy: {telnet_server.CLIENTS_MAX} clients are connected`"),
        ("Telnet", "nothing for ten minutes" if telnet_server.IDLE_MS == 600_000 else "another time"),
        ("Telnet", f"every {'four' if connection.KEEPALIVE_S == 240 else 'other'} minutes"),
        ("A console with a shell", f"at most {console.LINES_A_POLL} lines a poll"),
        ("A secret", f"a line of {secret.SECRET_MIN} to {secret.SECRET_MAX} characters"),
        ("A secret", f"let go after {telnet_server.PROVE_MS // 1000} seconds"),
        ("Telnet", f"Of a line {conversation.INPUT_MAX} characters are taken; of {telnet_server.LINES_A_SECOND} lines"),
        ("The serial line", f"a hello every {conversation.HELLO_EVERY} frames"),
        ("Options", "1 s, 2 s, 4 s and so on up to a minute"),
    ],
    ids=lambda value: value[:30],
)
def test_number_on_the_page_is_that_of_the_code(title: str, words: str) -> None:
    assert words in docs_pages.flat(docs_pages.section(PAGE, title))


def test_retries_are_those_of_the_code() -> None:
    assert (base.RETRY_MIN_MS, base.RETRY_MAX_MS) == (1000, 60_000)


def test_third_client_is_told_what_the_page_says(agent_command: AgentCommand, proc_dir: Path) -> None:
    port = heaptrial.free_port()
    argv = [*agent_command.argv, "--proc", str(proc_dir), "--telnet", str(port)]
    with subprocess.Popen(argv, env=agent_command.env, stderr=subprocess.DEVNULL) as agent:
        try:
            clients = [heaptrial.Client(agent, port) for _ in range(telnet_server.CLIENTS_MAX)]
            with socket.create_connection(("127.0.0.1", port), timeout=heaptrial.PATIENCE_S) as third:
                answer = third.makefile().readline().strip()
            for client in clients:
                client.socket.close()
        finally:
            agent.terminate()
    assert f"`{answer}`" in docs_pages.section(PAGE, "Telnet")
