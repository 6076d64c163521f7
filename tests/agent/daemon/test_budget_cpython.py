"""What the agent costs: no process, no descriptor, no heap, and no system call more than a poll needs."""

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import rig
from daemons import Daemon, Stream, run, telnet

HERE = Path(__file__).resolve().parents[1]
AGENT = HERE.parents[1] / "agent"
CALLS_MAX = 22  # a poll of five files under /proc and of the kernel's log, and one frame sent
PER_POLL = {"lseek", "read", "write", "poll"}
ALLOCATIONS_OF_CPYTHON = {"brk", "mmap", "munmap", "mremap", "madvise"}
WARM_UP = 24  # polls
TRACED_ONCE = pytest.mark.xdist_group("traced_polls")  # one worker: two tests look at each run


def children(pid: int) -> list[int]:
    """The processes whose parent is pid."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def descriptors(daemon: Daemon) -> list[str]:
    """What the agent's descriptors lead to, without the numbers of sockets."""
    links = [os.readlink(entry) for entry in (daemon.proc / "fd").iterdir()]
    return sorted("socket" if link.startswith("socket:") else link for link in links)


def test_no_process_and_no_descriptor_more_over_many_polls(agent_command):
    port = rig.free_port()
    with Daemon(agent_command, "--telnet", str(port)) as daemon:
        host = telnet(port)
        host.ask_hello()
        host.until_frames(WARM_UP)
        before = descriptors(daemon)
        host.until_frames(5 * WARM_UP)
        assert descriptors(daemon) == before
        assert children(daemon.process.pid) == []
        assert len(list((daemon.proc / "task").iterdir())) == 1, "no thread"


def test_no_descriptor_more_over_many_clients(agent_command, proc_dir):
    port = rig.free_port()
    with Daemon(agent_command, "--telnet", str(port), proc=proc_dir) as daemon:
        other, person = telnet(port), telnet(port)
        other.until_text(b"Type help.")
        person.until_text(b"Type help.")
        before = descriptors(daemon)
        for _ in range(30):
            person.close()
            person = telnet(port)
            person.until(lambda stream: stream.lines, "an answer")
            while b"busy" in person.heard:  # the agent has not seen yet that the last one went
                person.close()
                person = telnet(port)
                person.until(lambda stream: stream.lines, "an answer")
        assert descriptors(daemon) == before
        other.say(b"need 1\n")
        other.until_text(b"need 1: ok")


@pytest.mark.parametrize("proc", ["captures/frag-4k-bflt/proc", "/proc"])
def test_heap_after_20000_polls_is_that_after_200(micropython, proc):
    path = proc if proc == "/proc" else str(HERE.parent / "fixtures" / proc)
    result = subprocess.run(
        [micropython, str(HERE / "heap_polls.py"), path, "200", "20000"],
        env={**os.environ, "MICROPYPATH": f"{AGENT}:{HERE}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    before, after = map(int, result.stdout.split())
    assert after == before > 0


def test_heap_after_400_starts_of_programs_is_that_after_60(micropython):
    result = subprocess.run(
        [micropython, str(HERE / "heap_births.py"), "60", "400"],
        env={**os.environ, "MICROPYPATH": f"{AGENT}:{HERE}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    before, after = map(int, result.stdout.split())
    assert after == before > 0


@pytest.fixture
def strace() -> str:
    path = shutil.which("strace")
    if path is None:
        pytest.skip("strace is missing: apt install strace")
    traced = subprocess.run([path, "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if traced.returncode:
        pytest.skip(f"strace may not trace here: {traced.stderr.strip()[-100:]}")
    return path


def polls_in(trace: Path) -> list[list[tuple[str, str]]]:
    """The system calls, (name, line), of each poll but the first ones; a poll begins with a look at buddyinfo."""
    lines = [line.split(None, 1)[1] for line in trace.read_text().splitlines()]
    opened = max(i for i, line in enumerate(lines) if line.startswith("openat(") and '"/proc/buddyinfo"' in line)
    begin = f"lseek({lines[opened].split()[-1]}, 0, SEEK_SET)"
    polls: list[list[tuple[str, str]]] = []
    for line in lines[opened:]:
        if line.startswith(begin):
            polls.append([])
        if polls:
            polls[-1].append((line.partition("(")[0], line))
    return polls[WARM_UP:-2]


@pytest.fixture(scope="module")
def traces() -> dict[str, list[list[tuple[str, str]]]]:
    """The traced polls by interpreter."""
    return {}


@pytest.fixture
def traced_polls(traces, strace, agent_command, tmp_path):
    """System calls of the polls of an agent that sends its frames to standard output."""
    if agent_command.interpreter not in traces:
        traces[agent_command.interpreter] = trace_polls(strace, agent_command, tmp_path / "trace")
    return traces[agent_command.interpreter]


def trace_polls(strace, command, trace):
    """Run the agent under strace until it has sent 100 frames; the system calls of its polls."""
    traced = type(command)(command.interpreter, [strace, "-f", "-o", str(trace), *command.argv], command.env)
    with Daemon(traced, "--stdout", "--interval", "0.05", stdout=subprocess.PIPE) as daemon:
        Stream(daemon.process.stdout.fileno()).until_frames(100)
        daemon.process.stdout.close()  # which ends it
        daemon.process.stdout = None
        daemon.ended()
    return polls_in(trace)


@TRACED_ONCE
def test_poll_makes_few_system_calls(traced_polls, agent_command):
    assert len(traced_polls) > 50
    names = Counter(name for poll in traced_polls for name, _ in poll)
    allowed = PER_POLL | (ALLOCATIONS_OF_CPYTHON if agent_command.interpreter == "cpython" else set())
    assert set(names) <= allowed, names
    assert sum(names.values()) / len(traced_polls) <= CALLS_MAX, names


@TRACED_ONCE
def test_poll_wakes_up_for_itself_and_for_its_frame(traced_polls):
    """Two calls of poll(): one finds room for the frame, one is the sleep. A kernel line in between is one more."""
    wakings = [sum(name == "poll" for name, _ in poll) for poll in traced_polls]
    assert sorted(wakings)[len(wakings) // 2] == 2
    assert sum(count > 2 for count in wakings) <= len(wakings) // 4, wakings


COUNT_LOOKS = """
import sys
from buddyd import __main__, loop

Loop = loop.Loop

class CountingLoop(Loop):
    looks = 0

    def serve(self, timeout_ms):
        CountingLoop.looks += 1
        Loop.serve(self, timeout_ms)
        if self.agent.encoder.sequence > 100:
            raise KeyboardInterrupt

loop.Loop = CountingLoop
code = __main__.main(sys.argv[1:])
sys.stderr.write("%d %d" % (code, CountingLoop.looks))
"""


@pytest.mark.parametrize(("links", "per_poll"), [(["--stdout"], 2), (["--telnet", "0"], 1)], ids=["stdout", "telnet"])
def test_loop_looks_at_its_streams_no_more_than_it_must(agent_command, proc_dir, links, per_poll):
    """The real loop, counted: once to sleep, once for each line sent; once more where a clock's tick was cut short."""
    links = [link if link != "0" else str(rig.free_port()) for link in links]
    script = [*agent_command.argv[:-2], "-c", COUNT_LOOKS]
    counted = type(agent_command)(agent_command.interpreter, script, agent_command.env)
    result = run(counted, *links, "--proc", str(proc_dir), "--interval", "0.02", "--name", "xport-07")
    code, looks = map(int, result.stderr.splitlines()[-1].split())
    assert code == 0
    hello_lines = 10
    assert 100 <= looks <= 100 * (per_poll + 1) + hello_lines
