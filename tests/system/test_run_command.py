"""`buddywatch run`, `get` and `put`: through the running collector or over a link of its own, and who may."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import rig
from buddywatch.collect import control_socket
from buddywatch.commands.transfer import PART
from daemons import Daemon, telnet
from runner import ENV, Result
from system_parts import Collector, buddywatch, stored
from waiting import wait_for

SECRET = "correct-horse-battery-staple"
ALLOW = "--allow", "files,processes,tuning,reboot"


class Place:
    """A board that is called roof, its collector, and a folder that stands for the board's files."""

    def __init__(self, folder: Path, command, proc: Path, stack: ExitStack) -> None:
        self.folder, self.db, self.config = folder, folder / "x.db", folder / "config.toml"
        self.files = folder / "files"
        self.files.mkdir()
        self.config.touch()
        self._command, self._proc, self._stack = command, proc, stack

    def agent(self, *options: str) -> Daemon:
        return self._stack.enter_context(Daemon(self._command, *options, "--name", "roof", proc=self._proc))

    def collect(self, url: str) -> None:
        self._stack.enter_context(closing(Collector(self.db, self.config, [url])))
        wait_for(lambda: control_socket.control_path(self.db).exists(), "the collector's door")

        wait_for(lambda: stored(self.db, "roof"), "data of roof")

    def serial_board(self) -> str:
        """The link of a board on a serial line."""
        line = self._stack.enter_context(closing(rig.SerialLine()))
        line.start()
        self.agent("--serial", line.board_path, *ALLOW)
        return f"serial://{line.host_path}"

    def guarded_board(self, allow: str = ALLOW[1]) -> str:
        """The link of a board that demands a secret, which is in the configuration."""
        key = self.folder / "key"
        key.write_text(SECRET + "\n")
        key.chmod(0o600)
        self.config.write_text(f'[[board]]\nname = "roof"\nsecret_file = "{key}"\n')
        port = rig.free_port()
        self.agent("--telnet", str(port), "--secret-file", str(key), "--allow", allow)
        return f"telnet://127.0.0.1:{port}?board=roof"

    def open_board(self) -> str:
        port = rig.free_port()
        self.agent("--telnet", str(port), *ALLOW)
        return f"telnet://127.0.0.1:{port}"

    def __call__(self, *arguments: str) -> Result:
        return buddywatch(self.db, self.config, *arguments)


@pytest.fixture
def place(tmp_path: Path, agent_command, proc_dir: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(tmp_path, agent_command, proc_dir, stack)


def check_files(place: Place, board: str) -> None:
    """Run, get and put over any link."""
    blob = os.urandom(5000)
    (place.folder / "blob").write_bytes(blob)
    (place.folder / "blob").chmod(0o750)
    there = place.files / "there"
    assert place("put", str(place.folder / "blob"), f"{board}:{there}") == Result(0, "", "")
    assert there.read_bytes() == blob
    assert place("get", board, str(there), str(place.folder / "back")) == Result(0, "", "")
    assert (place.folder / "back").read_bytes() == blob
    assert [path.stat().st_mode & 0o7777 for path in (there, place.folder / "back")] == [0o750, 0o750]
    listed = place("run", board, "ls", "-l", str(there))
    assert (listed.code, listed.err) == (0, "")
    assert listed.out.split()[4] == "5000"
    assert place("run", board, "rm", str(there)) == Result(0, "", "")
    assert list(place.files.iterdir()) == []
    gone = f"rm: can't remove '{there}': No such file or directory\n"
    assert place("run", board, "rm", str(there)) == Result(1, "", gone)


def test_many_failures_are_a_line_each(place: Place) -> None:
    url = place.serial_board()
    words = [f"no-{number}" for number in range(12)]
    failed = place("run", url, "kill", *words)
    assert failed.code == 1
    assert failed.err.splitlines() == [f"kill: invalid number '{word}'" for word in words]


def check_log(place: Place, count: int) -> None:
    """Who did what is in the store: so many events of rm, the last three those of check_files()."""

    def said() -> list[str]:
        return [line[28:] for line in place("log", "roof").out.splitlines() if "] rm " in line]

    wait_for(lambda: len(said()) >= count, "the commands in the log")
    there = place.files / "there"
    who = said()[0].partition("]")[0]
    assert "@" in who
    assert said()[count - 3 :] == [
        f"{who}] rm {there}",
        f"{who}] rm {there}",
        f"{who}] rm {there}: failed, exit code 1",
    ]


def test_board_on_a_serial_line_does_commands(place: Place) -> None:
    place.collect(place.serial_board())
    check_files(place, "roof")
    check_log(place, 3)


def test_board_with_a_secret_does_commands_over_a_network(place: Place) -> None:
    url = place.guarded_board()
    check_files(place, url)
    place.collect(url)
    check_files(place, "roof")
    check_log(place, 6)  # what came over the other link is in the ring, too


def test_board_without_a_secret_does_none_over_a_network(place: Place) -> None:
    url = place.open_board()
    (place.files / "a").touch()
    result = place("run", url, "rm", str(place.files / "a"))
    assert result.code == 4
    assert result.err.startswith(
        f"buddywatch: {url}: no answer for 20 s; over a network a board takes commands only from"
    )
    assert (place.files / "a").exists()


def test_person_on_a_telnet_client_does_nothing(place: Place) -> None:
    url = place.open_board()
    (place.files / "a").touch()
    with closing(telnet(int(url.rpartition(":")[2]))) as person:
        person.until_text(b"Type help.")
        person.say(f"rm {place.files}/a\r\nrun rm {place.files}/a\r\nneed 61440\r\n".encode())
        heard = person.until_text(b"need 61440: ")
    assert heard.count(b"unknown: ") == 2
    assert (place.files / "a").exists()


def test_copy_that_was_cut_off_goes_on(place: Place) -> None:
    place.collect(place.guarded_board())
    blob = os.urandom(9000)
    here, there = place.folder / "blob", place.files / "blob"
    here.write_bytes(blob)
    part = there.with_name(there.name + PART)
    for cut in (blob[:4000], blob[:3000] + b"damaged", blob + b"longer"):
        part.write_bytes(cut)
        assert place("put", str(here), f"roof:{there}").code == 0
        assert there.read_bytes() == blob
        assert not part.exists()
    back = place.folder / "back"
    part = back.with_name(back.name + PART)
    for cut in (blob[:4000], blob[:3000] + b"damaged", blob + b"longer", b""):
        part.write_bytes(cut)
        assert place("get", "roof", str(there), str(back)) == Result(0, "", "")
        assert back.read_bytes() == blob
        assert not part.exists()
    assert place("get", "roof", str(place.files / "none"), str(back)).code == 1
    assert back.read_bytes() == blob
    here.write_bytes(b"")
    assert place("put", str(here), f"roof:{place.files}/").code == 0
    assert (place.files / "blob").read_bytes() == b""


def test_words_that_cannot_be_sent_are_refused_in_one_line(place: Place) -> None:
    place.collect(place.guarded_board())
    for arguments, code, text in (
        (("run", "roof"), 2, "expected a command"),
        (("run", "cellar", "ls"), 4, "the collector has no link to a board cellar"),
        (("run", "roof", "rm", "/tmp/" + "x" * 4096), 2, "a board takes at most"),
        (("put", "nothing", "roof:/tmp/x"), 2, "nothing: no such file"),
        (("put", str(place.config), "roof"), 2, "expected BOARD:PATH"),
    ):
        result = place(*arguments)
        assert (result.code, len(result.err.splitlines())) == (code, 1), result
        assert text in result.err
    odd = place.files / "new\nline ..'\\"
    odd.touch()
    assert place("run", "roof", "rm", f"{place.files}/../files/{odd.name}") == Result(0, "", "")
    assert list(place.files.iterdir()) == []


def test_interrupted_command_ends_on_the_board(place: Place) -> None:
    place.collect(place.guarded_board())
    big = place.files / "big"
    big.write_bytes(bytes(3_000_000))
    argv = [sys.executable, "-m", "buddywatch", "--db", str(place.db), "--config", str(place.config)]
    process = subprocess.Popen([*argv, "run", "roof", "cat", str(big)], env=ENV, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(100) == bytes(100)
    process.send_signal(signal.SIGINT)
    process.stdout.close()
    assert process.wait() in (130, 141)
    wait_for(lambda: place("run", "roof", "ls", str(big)).code == 0, "the board is free again")
    assert "exit code 130" in place("log", "roof").out


def test_command_that_is_not_allowed_names_the_option(place: Place) -> None:
    place.collect(place.guarded_board("files"))
    denied = place("run", "roof", "ps")
    assert denied == Result(1, "", "ps: not allowed on this board; start buddyd with --allow processes\n")
