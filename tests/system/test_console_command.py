"""`buddywatch console`: through the running collector, or over a link of its own; and who is refused."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import rig
from buddyd.talk.conversation import INPUT_MAX
from buddywatch.collect import console_server, control_socket
from daemons import Daemon, telnet
from runner import ENV
from system_parts import Collector, Result, buddywatch, stored
from waiting import wait_for

ASKED = "about\nneed 61440\nrecent 1\nnonsense\n"
SECRET = "correct-horse-battery-staple"


class Place:
    """A board that is called roof, a collector, and people."""

    def __init__(self, folder: Path, command, proc: Path, stack: ExitStack) -> None:
        self.folder, self.db, self.config = folder, folder / "x.db", folder / "config.toml"
        self.config.touch()
        self._command, self._proc, self._stack = command, proc, stack

    def serial_line(self) -> rig.SerialLine:
        """A line that outlives agent and collector: they would open its terminals again, which are another test's."""
        line = self._stack.enter_context(closing(rig.SerialLine()))
        line.start()
        return line

    def agent(self, *options: str) -> Daemon:
        return self._stack.enter_context(Daemon(self._command, *options, "--name", "roof", proc=self._proc))

    def collect(self, *links: str) -> Collector:
        collector = self._stack.enter_context(closing(Collector(self.db, self.config, links)))
        wait_for(lambda: control_socket.control_path(self.db).exists(), "the collector's door")
        return collector

    def collect_by_telnet(self) -> tuple[Daemon, str]:
        """The agent, and its link."""
        port = rig.free_port()
        url = f"telnet://127.0.0.1:{port}"
        agent = self.agent("--telnet", str(port))
        self.collect(url)
        self.wait_for_data()
        return agent, url

    def wait_for_data(self) -> None:
        wait_for(lambda: stored(self.db, "roof"), "data of roof")

    def console(self, *arguments: str, typed: str = ASKED) -> Result:
        return buddywatch(self.db, self.config, "console", *arguments, input=typed)

    def watcher(self, board: str) -> subprocess.Popen[str]:
        """A person who watches, and goes on typing."""
        argv = [sys.executable, "-m", "buddywatch", "--db", str(self.db), "--config", str(self.config), "console"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([*argv, board], env=ENV, text=True, **pipes)
        self._stack.callback(lambda: (process.kill(), process.communicate()))
        process.stdin.write("watch\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith("a line for each snapshot")
        return process


@pytest.fixture
def place(tmp_path: Path, agent_command, proc_dir: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path, agent_command, proc_dir, stack)


def check_answers(result: Result) -> None:
    assert (result.code, result.err) == (0, "")
    assert result.lines[0].startswith("buddyd 0.1.0 (")
    assert " on roof." in result.lines[0]
    assert [line for line in result.lines if line.startswith("need 61440: ok")]
    assert [line for line in result.lines if " up 0:00:00:" in line]
    assert not [line for line in result.lines if line.startswith(("~", "@"))], "frames do not clutter it"


@pytest.mark.parametrize("scheme", ["telnet", "tcp"])
def test_board_is_asked_through_the_collector(place: Place, scheme: str) -> None:
    port = rig.free_port()
    place.agent("--telnet", str(port))
    collector = place.collect(f"{scheme}://127.0.0.1:{port}")
    place.wait_for_data()
    result = place.console("roof")
    check_answers(result)
    assert result.lines[-1] == "unknown: nonsense. Type help."
    assert "need 61440" not in buddywatch(place.db, place.config, "log", "roof").out, "an answer is no console log"
    assert place.console("roof", typed="").out == ""
    assert collector.stop() == 0
    assert not control_socket.control_path(place.db).exists()


def test_board_is_asked_over_a_serial_line(place: Place) -> None:
    line = place.serial_line()
    place.agent("--serial", line.board_path)
    url = f"serial://{line.host_path}"
    collector = place.collect(url)
    place.wait_for_data()
    asked = ASKED.replace("nonsense\n", "")
    check_answers(place.console("roof", typed=asked))
    assert "in use by another program" in one_line(place.console(url), 4)
    assert collector.stop() == 0
    check_answers(place.console(url, typed=asked))


@pytest.mark.parametrize("guarded", [False, True], ids=["open", "secret"])
def test_board_is_asked_over_a_link_of_its_own(place: Place, guarded: bool) -> None:
    port = rig.free_port()
    options = ["--telnet", str(port)]
    if guarded:
        (place.folder / "secret").write_text(SECRET + "\n")
        (place.folder / "secret").chmod(0o600)
        place.config.write_text('[[board]]\nname = "roof"\nsecret_file = "secret"\n')
        options += ["--secret-file", str(place.folder / "secret")]
    place.agent(*options)
    telnet(port).close()  # it listens
    result = place.console(f"telnet://127.0.0.1:{port}")
    check_answers(result)
    assert SECRET not in result.out


def test_many_lines_are_paced_to_what_a_board_takes(place: Place) -> None:
    place.collect_by_telnet()
    result = place.console("roof", typed="".join(f"need {number}\n" for number in range(1, 61)))
    assert [line.split(":")[0] for line in result.lines] == [f"need {number}" for number in range(1, 61)]


def test_watching_goes_on_until_something_is_typed(place: Place) -> None:
    place.collect_by_telnet()
    person = place.watcher("roof")
    assert person.stdout is not None
    numbers = [int(person.stdout.readline().split()[0]) for _ in range(20)]
    assert numbers == sorted(set(numbers))
    out, err = person.communicate("stop\n", timeout=60)
    assert out.splitlines()[-1] == "stopped"
    assert (person.returncode, err) == (0, "")


# --- who is refused ---


def one_line(result: Result, code: int) -> str:
    assert (result.code, result.out, len(result.err.splitlines())) == (code, "", 1), result
    return result.err


def test_without_a_collector_the_way_out_is_told(place: Place) -> None:
    assert "no collector runs on" in one_line(place.console("roof"), 4)
    control_socket.control_path(place.db).touch()  # what is left of one that was killed is no collector
    assert "no collector runs on" in one_line(place.console("roof"), 4)


def test_unknown_board_is_refused(place: Place) -> None:
    place.collect(f"listen://127.0.0.1:{rig.free_port()}")
    assert "the collector has no link to a board roof" in one_line(place.console("roof"), 4)


def test_link_in_one_direction_is_refused(place: Place) -> None:
    line = place.serial_line()
    place.agent("--serial", line.board_path)
    url = f"serial://{line.host_path}"
    place.collect(f"{url}?shared=true")
    place.wait_for_data()
    assert f"roof is heard only over {url}?shared=true, which takes no questions" in one_line(place.console("roof"), 4)
    assert "no agent answers over this kind of link" in one_line(place.console(f"{url}?shared=true"), 2)
    assert "no agent answers over this kind of link" in one_line(place.console("listen://127.0.0.1:1"), 2)


def test_link_to_a_shell_alone_is_refused(place: Place) -> None:
    assert "no agent answers over this kind of link" in one_line(place.console("hush://root@127.0.0.1:1"), 2)


def test_link_that_is_down_or_goes_is_told(place: Place) -> None:
    agent, url = place.collect_by_telnet()
    person = place.watcher("roof")
    agent.process.kill()
    assert person.wait(60) == 4
    assert person.stderr is not None
    assert "closed the connection" in person.stderr.read()
    assert "roof cannot be reached: " in one_line(place.console("roof"), 4)
    assert "connection refused" in one_line(place.console(url), 4)


def test_too_long_line_and_wrong_words_are_told(place: Place) -> None:
    place.collect_by_telnet()
    assert "a board takes at most 128" in one_line(place.console("roof", typed="x" * 129 + "\n"), 2)
    assert "no shell is on" in one_line(place.console("--shell", "roof"), 4)
    assert "--shell needs a board's name" in one_line(place.console("--shell", "telnet://127.0.0.1:1"), 2)
    assert console_server.TYPED_MAX == INPUT_MAX


def test_door_is_for_the_user_only_and_bounded(place: Place) -> None:
    place.collect(f"listen://127.0.0.1:{rig.free_port()}")
    path = control_socket.control_path(place.db)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    clients = [control_socket.connect(path) for _ in range(console_server.CLIENTS_MAX)]
    with control_socket.connect(path) as one_more:
        assert one_more.recv(100) == b"nbusy: 4 consoles are open\n"
    clients.pop().close()
    for said, answer in (
        (b"nonsense\n", b"nexpected `console BOARD`, `shell BOARD` or `run BOARD`\n"),
        (b"x" * 300, b"ea line may have 256 bytes\n"),
    ):

        def answered(said=said, answer=answer) -> bool:
            with control_socket.connect(path) as client, client.makefile("rb") as heard:
                client.sendall(said)
                return heard.readline() == answer

        wait_for(answered, f"{answer!r}")
    for client in clients:
        client.close()


def test_database_may_lie_deep(place: Place) -> None:
    """A socket's name has 107 bytes at most; that of a database has not."""
    folder = place.folder / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True)
    place.db = folder / "x.db"
    place.collect(f"listen://127.0.0.1:{rig.free_port()}")
    assert "no link to a board" in one_line(place.console("roof"), 4)


def test_another_users_collector_is_not_for_everybody(place: Place) -> None:
    place.collect(f"listen://127.0.0.1:{rig.free_port()}")
    path = control_socket.control_path(place.db)
    if os.geteuid() != 0:
        pytest.skip("only root can try it as another user")
    with socket.socket(socket.AF_UNIX) as client:
        os.chmod(path, 0o666)
        for folder in (place.folder, *place.folder.parents[:-2]):
            os.chmod(folder, 0o755)
        os.seteuid(65534)
        try:
            client.connect(str(path))
        finally:
            os.seteuid(0)
        assert client.recv(100) == b"nthe collector belongs to another user\n"
