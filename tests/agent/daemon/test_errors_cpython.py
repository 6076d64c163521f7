"""The agent as a process: its messages and exit codes after wrong options, and after a signal to stop."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import rig
import test_options
from buddyd import options
from daemons import Daemon, run, telnet

AGENT = Path(__file__).resolve().parents[3] / "agent"
STOPPED, USAGE, NOTHING_TO_READ, NO_LINK = 0, 2, 3, 4


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def check(result, code, line):
    """It ended with this code, and one line on standard error."""
    assert result.stderr == f"buddyd: {line}\n"
    assert result.returncode == code
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "no link given: --serial, --console, --telnet, --connect or --stdout; see --help"),
        (["--nonsense"], "unknown option --nonsense; see --help"),
        (["--stdout", "--ring", "32q"], "ring 32q: expected a number of bytes, such as 32768 or 32k"),
        (["--stdout", "--interval", "often"], "interval often: expected seconds, such as 5 or 0.5"),
        (["--telnet", "zero"], "telnet zero: expected [ADDRESS:]PORT with a port from 1 to 65535"),
        (["--config", "/no/such/file"], "/no/such/file: no such file or device"),
    ],
    ids=["no-link", "option", "size", "interval", "port", "no-config"],
)
def test_usage_is_told_in_a_line(agent_command, arguments, line):
    check(run(agent_command, *arguments), USAGE, line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("rign = 4k", f" line 1: unknown key rign; known: {test_options.KEYS}"),
        ("# a comment\nring 4k", " line 2: expected `key = value`, found: ring 4k"),
    ],
    ids=["key", "no-value"],
)
def test_configuration_is_told_in_a_line(agent_command, tmp_path, text, line):
    path = tmp_path / "buddyd.conf"
    path.write_text(text)
    check(run(agent_command, "--config", str(path)), USAGE, f"{path}{line}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ring = 4q", "ring 4q: expected a number of bytes, such as 32768 or 32k"),
        ("interval = soon", "interval soon: expected seconds, such as 5 or 0.5"),
        ("stdout = 1", "stdout = 1: expected yes or no"),
    ],
    ids=["suffix", "type", "switch"],
)
def test_value_in_the_configuration_is_told_in_a_line(agent_command, tmp_path, text, line):
    path = tmp_path / "buddyd.conf"
    path.write_text(text)
    check(run(agent_command, "--config", str(path)), USAGE, line)


def test_configuration_file_is_obeyed(agent_command, proc_dir, tmp_path):
    path, port = tmp_path / "buddyd.conf", rig.free_port()
    path.write_text(f"telnet = {port}\nname = from-file\nring = 4k\ninterval = 0.5\n")
    with Daemon(agent_command, "--config", str(path), proc=proc_dir):
        facts = telnet(port).ask_hello()
    assert (facts["ring"], facts["name"], facts["interval_cs"]) == ("4096", "xport-07", "2")


def test_nothing_to_read_is_told_in_a_line(agent_command, tmp_path):
    hint = "give the place of a /proc that has it with --proc"
    result = run(agent_command, "--stdout", "--proc", "/no/such/proc")
    check(result, NOTHING_TO_READ, f"/no/such/proc/buddyinfo: no such file or device; {hint}")
    (tmp_path / "buddyinfo").write_text("")
    result = run(agent_command, "--once", "--proc", str(tmp_path))
    check(result, NOTHING_TO_READ, f"{tmp_path}/buddyinfo: no zone in it; {hint}")


def test_unusable_buddyinfo_is_quoted(agent_command, tmp_path):
    (tmp_path / "buddyinfo").write_text("Node 0, zone Normal one two\n")
    result = run(agent_command, "--stdout", "--proc", str(tmp_path))
    assert result.returncode == NOTHING_TO_READ
    assert len(result.stderr.splitlines()) == 1
    assert "Node 0, zone Normal one two" in result.stderr


def test_no_link_is_told_in_a_line(agent_command, proc_dir, taken_port, tmp_path):
    proc = ("--proc", str(proc_dir))
    gone, file = tmp_path / "ttyUSB0", tmp_path / "file"
    file.write_text("")
    beginning = "no link could be opened; "
    result = run(agent_command, "--telnet", str(taken_port), *proc)
    check(result, NO_LINK, f"{beginning}telnet 127.0.0.1:{taken_port}: address already in use")
    result = run(agent_command, "--serial", str(gone), *proc)
    check(result, NO_LINK, f"{beginning}serial {gone}: no such file or device")
    result = run(agent_command, "--serial", str(file), *proc)
    check(result, NO_LINK, f"{beginning}serial {file}: not a serial line")
    result = run(agent_command, "--telnet", "192.0.2.1:2323", *proc)
    check(result, NO_LINK, f"{beginning}telnet 192.0.2.1:2323: address not available on this machine")
    result = run(agent_command, "--connect", "no-such-host.invalid:7777", *proc)
    reason = "the name could not be resolved at the start; give an address"
    check(result, NO_LINK, f"{beginning}connect no-such-host.invalid:7777: {reason}")
    for option in ("telnet", "connect"):
        for host in ("999.2.3.4", "a..b"):
            result = run(agent_command, f"--{option}", f"{host}:5555", *proc)
            check(result, NO_LINK, f"{beginning}{option} {host}:5555: {reason}")
    result = run(agent_command, "--serial", str(gone), "--telnet", str(taken_port), *proc)
    serial, telnet_ = f"serial {gone}: no such file or device", f"telnet 127.0.0.1:{taken_port}: address already in use"
    check(result, NO_LINK, f"{beginning}{serial}; {telnet_}")


def test_link_that_fails_costs_itself(agent_command, proc_dir, taken_port):
    port = rig.free_port()
    links = ("--telnet", str(port), "--serial", "/no/such/tty")
    with Daemon(agent_command, *links, proc=proc_dir) as daemon:
        telnet(port).ask_hello()
        code, stderr = daemon.stop()
    assert code == STOPPED
    lines = stderr.splitlines()
    missing = "sys/kernel/random/boot_id, kernel-log"
    assert lines == [
        "buddyd: serial /no/such/tty: no such file or device; tried again later",
        f"buddyd: xport-07: 1 zones, every 20 ms, ring 32768 bytes, missing: {missing}",
    ]


def test_port_that_becomes_free_is_taken(agent_command, proc_dir):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        master, slave = os.openpty()
        links = ("--telnet", str(port), "--serial", os.ttyname(slave))
        with Daemon(agent_command, *links, proc=proc_dir):
            os.read(master, 1)  # it runs
            listener.close()
            assert int(telnet(port).ask_hello()["next"]) > 0
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["INT", "TERM"])
def test_signal_ends_it_cleanly(agent_command, proc_dir, number):
    port = rig.free_port()
    with Daemon(agent_command, "--telnet", str(port), proc=proc_dir) as daemon:
        telnet(port).until_text(b"Type help.")
        code, stderr = daemon.stop(number)
    if number == signal.SIGTERM and agent_command.interpreter == "micropython":
        assert code == -signal.SIGTERM, "this build cannot catch it"
    else:
        assert code == STOPPED
    assert len(stderr.splitlines()) == 1, "no traceback"


def test_help_names_the_options(agent_command):
    result = run(agent_command, "--help")
    assert result.returncode == STOPPED
    assert result.stderr == ""
    for option in options.OPTIONS:
        assert f"--{option[0]}" in result.stdout


def test_once_prints_the_status(agent_command, proc_dir):
    result = run(agent_command, "--once", "--proc", str(proc_dir), "--name", "xport-07")
    assert result.returncode == STOPPED
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].startswith("xport-07: Linux 6.1.192 on COLDFIRE(m520x), no MMU")
    assert lines[-1].startswith("buddyd: poll ")


def test_ring_that_does_not_fit_the_heap_is_told_in_a_line(micropython, proc_dir):
    argv = [micropython, "-X", "heapsize=1m", "-m", "buddyd", "--stdout", "--ring", "1024k", "--proc", str(proc_dir)]
    env = {**os.environ, "MICROPYPATH": str(AGENT)}
    result = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    check(result, USAGE, "no room for a ring of 1048576 bytes; give a smaller --ring or a larger heap (-X heapsize=)")


@pytest.mark.parametrize("option", ["--once", "--help"])
def test_output_that_cannot_be_written_is_one_line(agent_command, proc_dir, option):
    """A full disk, or a pager that has ended."""
    command = [*agent_command.argv, option, "--proc", str(proc_dir)]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            command, env=agent_command.env, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 4
    assert done.stderr.startswith("buddyd: the output cannot be written: ")
    assert done.stderr.count("\n") == 1
