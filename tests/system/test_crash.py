"""The collector is killed, stopped, starved of disk and given files that are no database: what it had is kept."""

import os
import random
import signal
import sqlite3
import subprocess
import termios
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
import story
from runner import ENV
from system_links import Peer
from system_parts import BOARD, Collector, Command, Scene, buddywatch
from system_truth import Record, check, stored
from terminal import Terminal
from waiting import wait_for

STATES = story.way_to_failure(200)
KILLS = 6


@pytest.fixture
def scene(tmp_path: Path, agent: Command) -> Iterator[Scene]:
    with Scene(tmp_path, agent) as scene:
        yield scene


@pytest.mark.parametrize("link", ["serial", "telnet"])
def test_collector_killed_at_any_moment_loses_nothing(scene: Scene, link: str) -> None:
    url = scene.stage.serial_url if link == "serial" else scene.stage.telnet_url
    chance = random.Random(link)
    scene.raise_curtain()
    at = 0
    for _ in range(KILLS):
        collector = scene.collect(url)
        following = at + chance.randrange(5, 35)
        if chance.random() < 0.5:
            collector.wait_until_it_says("open")
        scene.play(STATES[at:following])
        assert collector.stop(signal.SIGKILL) == -signal.SIGKILL
        at = following
    collector = scene.collect(url)
    scene.play(STATES[-2:])
    lasts = scene.settle()
    assert collector.stop() == 0
    scene.check(lasts)
    assert scene.cli("status").code == 1
    alerts = scene.cli("alerts", "--json").json["alerts"]
    assert [alert["rule"] for alert in alerts].count("refused") == 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a file system of its own cannot be mounted: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_disk_full_is_waited_for(scene: Scene, small_disk: Path) -> None:
    scene.db = small_disk / "buddywatch.db"
    collector = scene.collect(scene.stage.telnet_url)
    scene.raise_curtain()
    scene.play(STATES[:10])
    scene.settle()
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    scene.play(STATES[10:40])
    collector.wait_until_it_says("disk full")
    frames = scene.record.frames()
    scene.play(STATES[40:60])
    (kept,) = stored(scene.db, BOARD).values()
    assert max(kept.numbers) <= frames
    ballast.unlink()
    collector.wait_until_it_says("can be written again")
    scene.play(STATES[60:80])
    lasts = scene.settle()
    assert collector.stop() == 0
    scene.check(lasts)
    said = [line for line in collector.out.splitlines() if "disk full" in line]
    assert len(said) == 1
    assert str(scene.db) in said[0]
    assert "make room" in said[0]
    assert collector.err == ""


def test_disk_full_to_the_end_is_a_storage_error(scene: Scene, small_disk: Path) -> None:
    scene.db = small_disk / "buddywatch.db"
    collector = scene.collect(scene.stage.telnet_url)
    scene.raise_curtain()
    scene.play(STATES[:10])
    scene.settle()
    with pytest.raises(OSError, match="No space left"), (small_disk / "ballast").open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    scene.play(STATES[10:40])
    collector.wait_until_it_says("disk full")
    assert collector.stop() == 3
    assert collector.err.count("\n") == 1
    assert "disk full" in collector.err
    (small_disk / "ballast").unlink()
    collector = scene.collect(scene.stage.telnet_url)  # the board still has what could not be kept
    lasts = scene.settle()
    assert collector.stop() == 0
    scene.check(lasts)


def make_noise(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(8192))


def make_folder(path: Path) -> None:
    path.mkdir()


def make_foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")


def make_torn(path: Path) -> None:
    """One of ours, of which the first page is no longer readable."""
    config = path.with_name("config.toml")
    assert buddywatch(path, config, "collect", "file:/dev/null").code == 0
    data = bytearray(path.read_bytes())
    data[100:4096] = bytes(3996)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(make_noise, "not a database", id="noise"),
        pytest.param(make_folder, "a folder, expected a file", id="folder"),
        pytest.param(make_foreign, "a database of another program", id="another-program"),
        pytest.param(make_torn, "damaged", id="torn"),
    ],
)
@pytest.mark.parametrize("command", ["collect", "status"])
def test_file_that_is_no_database_is_one_line(tmp_path: Path, make, expected: str, command: str) -> None:
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.touch()
    make(db)
    before = db.read_bytes() if db.is_file() else None
    result = buddywatch(db, config, command, *(["file:/dev/null"] if command == "collect" else []))
    assert (result.code, result.out) == (3, "")
    assert result.err.count("\n") == 1
    assert result.err.startswith(f"buddywatch: {db}: ")
    assert expected in result.err
    assert (db.read_bytes() if db.is_file() else None) == before


def test_sigterm_keeps_what_was_read(tmp_path: Path, recording: Path) -> None:
    record = Record(recording)
    lasts = record.lasts()
    (tmp_path / "config.toml").touch()
    db = tmp_path / "x.db"
    with (
        closing(Peer()) as peer,
        closing(Collector(db, tmp_path / "config.toml", [f"tcp://127.0.0.1:{peer.port}"])) as collector,
    ):
        peer.accept()
        peer.say(recording.read_bytes())
        wait_for(lambda: unread_bytes(peer.port) == 0, "the collector to have read it all")
        assert collector.stop() == 0
    check(db, BOARD, record, lasts)


def test_second_collector_on_a_database_is_refused(tmp_path: Path) -> None:
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.touch()
    with closing(Peer()) as peer, closing(Collector(db, config, [f"tcp://127.0.0.1:{peer.port}"])) as collector:
        peer.accept()
        result = buddywatch(db, config, "collect", "file:/dev/null")
        assert (result.code, result.out, result.err.count("\n")) == (3, "", 1)
        assert f"{db}: another `buddywatch collect` runs on it" in result.err
        assert collector.stop() == 0
    assert buddywatch(db, config, "collect", "file:/dev/null").code == 0


def unread_bytes(port: int) -> int:
    """What lies at the other end of connections to a port on loopback, and what is on the way (proc_net_tcp(5))."""
    total = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        sending, receiving = (int(count, 16) for count in fields[4].split(":"))
        ends = [int(end.rpartition(":")[2], 16) for end in fields[1:3]]
        total += sending * (ends[0] == port) + receiving * (ends[1] == port)
    return total


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """A pseudo-terminal of 100 x 30: (master, slave)."""
    master, slave = os.openpty()
    termios.tcsetwinsize(slave, (30, 100))
    os.set_blocking(master, False)
    yield master, slave
    os.close(master)
    os.close(slave)


def test_ctrl_c_gives_the_terminal_back(scene: Scene, terminal: tuple[int, int]) -> None:
    master, slave = terminal
    modes = termios.tcgetattr(slave)
    shown = bytearray()

    def has_shown(text: str) -> bool:
        with suppress(BlockingIOError):
            shown.extend(os.read(master, 65536))
        return text in shown.decode(errors="replace")

    scene.raise_curtain()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), slave)
    of_a_terminal = ["setsid", "--ctty"]  # as a shell has it: what is typed reaches the process as signals
    environment = {**ENV, "TERM": "xterm-256color"}
    collector = scene.collect(scene.stage.telnet_url, prefix=of_a_terminal, env=environment, **streams)
    scene.play(STATES[:5])
    wait_for(lambda: has_shown(BOARD), lambda: f"the board on the screen: {bytes(shown)!r}")
    assert shown.startswith(b"\x1b[?1049h")
    lasts = scene.settle()
    os.write(master, b"\x03")
    wait_for(lambda: has_shown("\x1b[?1049l"), lambda: f"the screen to be left: {bytes(shown)!r}")
    assert collector.wait() == 0
    has_shown("")  # takes the rest
    screen = Terminal(100, 30)
    screen.feed(shown.decode())
    assert (screen.on_alternate, screen.cursor_visible) == (False, True)
    assert shown.endswith(b"\x1b[?1049l")
    assert termios.tcgetattr(slave) == modes
    scene.check(lasts)
