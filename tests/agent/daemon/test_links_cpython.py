"""The agent as a process: dialling out, standard output, several links at once."""

import os
import socket
import subprocess

import pytest
import rig
from buddyd import wire, wire_host
from daemons import Daemon, Decoder, Stream, telnet
from waiting import wait_for


@pytest.fixture
def collector():
    """A listening socket, not listening yet."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(60)
        yield listener


def address(listener):
    return "127.0.0.1:%d" % listener.getsockname()[1]


def accept(listener):
    return Stream(listener.accept()[0])


def test_collector_that_listens_is_served(agent_command, proc_dir, collector):
    collector.listen()
    with Daemon(agent_command, "--connect", address(collector), proc=proc_dir):
        host = accept(collector)
        host.until_text(b"buddyd 0.1.0 on xport-07. Type help.\r\n")
        facts = host.ask_hello()
        assert facts["name"] == "xport-07"
        first = int(facts["next"])
        host.say(wire_host.ask_frames(facts["boot"], 1, 2) + b"\n")
        numbers = host.until_frames(10).numbers
        assert {1, 2} <= set(numbers)
        live = [number for number in numbers if number > 2]
        assert live[0] in (3, first)


def test_collector_that_comes_late_is_found(agent_command, proc_dir, collector):
    port = rig.free_port()
    with Daemon(agent_command, "--connect", address(collector), "--telnet", str(port), proc=proc_dir):
        telnet(port).ask_hello()  # it runs, and was refused
        collector.listen()
        assert accept(collector).ask_hello()["name"] == "xport-07"


def test_collector_that_goes_and_comes_back_asks_for_the_rest(agent_command, proc_dir, collector):
    collector.listen()
    with Daemon(agent_command, "--connect", address(collector), proc=proc_dir):
        host = accept(collector)
        host.ask_hello()
        last = host.until_frames(3).numbers[-1]
        host.close()
        host = accept(collector)
        facts = host.ask_hello()
        missed = int(facts["next"]) - last - 1
        assert missed > 0
        host.say(wire_host.ask_frames(facts["boot"], last + 1, missed) + b"\n")
        wanted = set(range(last + 1, last + 1 + missed))
        host.until(lambda stream: wanted <= set(Decoder(stream.lines).numbers), "what was missed")


def test_connection_that_is_cut_hard_is_made_again(agent_command, proc_dir, collector):
    collector.listen()
    with Daemon(agent_command, "--connect", address(collector), proc=proc_dir) as daemon:
        for _ in range(2):
            host = accept(collector)
            host.ask_hello()
            host.file.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            host.close()  # a reset
        accept(collector).ask_hello()
        assert daemon.process.poll() is None


def test_frames_flow_to_standard_output(agent_command, proc_dir):
    with Daemon(agent_command, "--stdout", proc=proc_dir, stdout=subprocess.PIPE) as daemon:
        decoder = Stream(daemon.process.stdout.fileno()).until_snapshots(40)
        assert decoder.numbers == list(range(1, len(decoder.numbers) + 1))
        daemon.process.stdout.close()


def test_frames_flow_into_a_file(agent_command, proc_dir, tmp_path):
    path = tmp_path / "stream"
    with path.open("wb") as file, Daemon(agent_command, "--stdout", proc=proc_dir, stdout=file) as daemon:
        wait_for(lambda: path.read_bytes().count(b"\n~d") > 5, "frames in the file")
        assert daemon.stop()[0] == 0
    lines = path.read_bytes().split(b"\n")[:-1]
    assert len(Decoder(lines).snapshots) > 5


def test_reader_of_standard_output_that_goes_ends_an_agent_without_other_links(agent_command, proc_dir):
    with Daemon(agent_command, "--stdout", proc=proc_dir, stdout=subprocess.PIPE) as daemon:
        Stream(daemon.process.stdout.fileno()).until_snapshots(1)
        daemon.process.stdout.close()
        daemon.process.stdout = None
        code, stderr = daemon.ended()
        assert code == 4
        assert stderr.splitlines()[-1] == "buddyd: no link is left: standard output is closed"


def test_reader_of_standard_output_that_goes_harms_no_other_link(agent_command, proc_dir):
    port = rig.free_port()
    options = ("--stdout", "--telnet", str(port))
    with Daemon(agent_command, *options, proc=proc_dir, stdout=subprocess.PIPE) as daemon:
        Stream(daemon.process.stdout.fileno()).until_snapshots(1)
        daemon.process.stdout.close()
        daemon.process.stdout = None
        wait_for(lambda: not (daemon.proc / "fd" / "1").exists(), "the agent to let go of it")
        clients = [telnet(port), telnet(port)]  # one of them has descriptor 1 now
        for client in clients:
            client.until_text(b"Type help.\r\n")
        person, host = clients
        host.ask_hello()
        host.until_frames(100)
        person.say(b"need 1\r\n")
        person.until_text(b"need 1: ok")
        assert b"~" not in person.heard, "frames that were meant for standard output"


def test_all_links_at_once_tell_the_same(agent_command, proc_dir, collector):
    collector.listen()
    master, slave = os.openpty()
    port = rig.free_port()
    options = ("--serial", os.ttyname(slave), "--telnet", str(port), "--connect", address(collector), "--stdout")
    with Daemon(agent_command, *options, proc=proc_dir, stdout=subprocess.PIPE) as daemon:
        dialled, client, serial = accept(collector), telnet(port), Stream(master)
        output = Stream(daemon.process.stdout.fileno())
        for host in (dialled, client):
            facts = host.ask_hello()
            host.say(wire_host.ask_frames(facts["boot"], 1, int(facts["next"]) - 1) + b"\n")
        frames = []
        for host in (dialled, client, serial, output):
            host.until(lambda stream: set(Decoder(stream.lines).numbers) >= set(range(1, 41)), "frames 1 to 40")
            lines = [line for line in host.lines if line[:1] == b"~" and line[1] in wire.NUMBERED]
            frames.append({wire_host.candidate_sequence(line, 20): line for line in lines})
        for number in range(1, 41):
            assert len({found[number] for found in frames}) == 1, number
        daemon.process.stdout.close()
        daemon.process.stdout = None
    serial.close()
    os.close(slave)
