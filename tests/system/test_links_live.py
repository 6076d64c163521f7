"""Links as they fail in the field: devices that come and go, peers that babble, boards that dial in, recordings."""

import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import rig
import story
from buddywatch.store.store import Store
from fault_lines import TO_BOARD, FaultTcp
from modelboard import ModelBoard, facts
from system_links import Adapter, Peer
from system_parts import BOARD, Collector, Command, Scene, buddywatch
from system_truth import Record, check, has, stored
from waiting import wait_for

RECORDED_STATES = 80  # of the fixture `recording`
STATES = story.way_to_failure(80)
BABBLE_BYTES = 1 << 20
CONSOLE_MAX = 2 * 4096  # characters that are kept of a line without an end: of its beginning, and of its end


@pytest.fixture
def adapter(tmp_path: Path) -> Adapter:
    return Adapter(tmp_path / "ttyUSB0")


@pytest.fixture
def peer() -> Iterator[Peer]:
    with closing(Peer()) as peer:
        yield peer


@pytest.fixture
def scene(tmp_path: Path, agent: Command, adapter: Adapter) -> Iterator[Scene]:
    """With its serial line by way of the adapter."""
    with Scene(tmp_path / "scene", agent) as scene:
        scene.stage.serial.start()
        scene.stage.serial.close()
        scene.stage.serial = adapter
        yield scene


def truth_of(recording: Path) -> tuple[Record, dict[str, int]]:
    record = Record(recording)
    lasts = record.lasts()
    assert len(lasts) == 1
    assert min(lasts.values()) > RECORDED_STATES
    return record, lasts


def console(db: Path) -> list[str]:
    with closing(sqlite3.connect(db)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM console ORDER BY id")]


def test_serial_device_may_appear_later(scene: Scene, adapter: Adapter, tmp_path: Path) -> None:
    url = f"serial://{tmp_path}/ttyUSB0?baud=115200"
    collector = scene.collect(url)
    collector.wait_until_it_says(f"{url}: ")
    assert " no such " in collector.out
    scene.raise_curtain()
    scene.play(STATES[:10])
    adapter.plug_in()
    collector.wait_until_it_says(f"{url}: open")
    scene.play(STATES[10:40])
    lasts = scene.settle()
    assert collector.stop() == 0
    scene.check(lasts)


def test_serial_adapter_may_be_unplugged(scene: Scene, adapter: Adapter, tmp_path: Path) -> None:
    url = f"serial://{tmp_path}/ttyUSB0"
    adapter.plug_in()
    collector = scene.collect(url)
    scene.raise_curtain()
    for times in range(2):
        collector.wait_until_it_says(f"{url}: open", times + 1)
        scene.play(STATES[times * 30 : times * 30 + 20])
        scene.settle()
        adapter.pull_out()
        collector.wait_until_it_says("unplugged", times + 1)
        scene.play(STATES[times * 30 + 20 : times * 30 + 30])
        adapter.plug_in()
    lasts = scene.settle()
    assert collector.stop() == 0
    scene.check(lasts)


def test_tcp_peer_may_babble(tmp_path: Path, peer: Peer, recording: Path) -> None:
    record, lasts = truth_of(recording)
    lines = recording.read_bytes().splitlines(keepends=True)
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.touch()
    with closing(Collector(db, config, [f"tcp://127.0.0.1:{peer.port}"])) as collector:
        peer.accept()
        peer.say(b"".join(lines[:50]))
        peer.say(b"x" * BABBLE_BYTES)
        peer.say(b"\n" + b"".join(lines[50:]))
        wait_for(lambda: has(db, BOARD, lasts), "the frames around the babble")
        assert collector.stop() == 0
    check(db, BOARD, record, lasts)
    babble = [line for line in console(db) if "x" in line]
    assert set("".join(babble)) == {"x"}
    assert 0 < sum(map(len, babble)) <= CONSOLE_MAX


@pytest.mark.parametrize("first", ["collector", "board"])
def test_board_may_dial_in(tmp_path: Path, agent: Command, first: str) -> None:
    port = rig.free_port()
    with Scene(tmp_path, agent, extra=["--connect", f"127.0.0.1:{port}"]) as scene:
        if first == "board":
            scene.raise_curtain()
            scene.play(STATES[:40])  # long enough to have tried in vain
        url = f"listen://127.0.0.1:{port}"
        collector = scene.collect(url)
        collector.wait_until_it_says(f"{url}: open")
        if first == "collector":
            scene.raise_curtain()
        scene.play(STATES[40:])
        lasts = scene.settle()
        wait_for(lambda: scene.cli("status", "--json").json["boards"][0]["link"] == "up", "the link to be shown as up")
        assert collector.stop() == 0
        scene.check(lasts)


@pytest.mark.parametrize("way", ["file", "standard-input"])
def test_recording_is_stored(tmp_path: Path, recording: Path, way: str) -> None:
    record, lasts = truth_of(recording)
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.touch()
    with recording.open("rb") as stream:
        link = f"file:{recording}" if way == "file" else "-"
        result = buddywatch(db, config, "collect", link, stdin=stream)
    assert (result.code, result.err) == (0, "")
    check(db, BOARD, record, lasts)
    (boot_id,) = lasts
    assert [event["text"] for event in buddywatch(db, config, "history", BOARD, "--json").json["events"]] == [
        story.KERNEL_LINE
    ]
    assert buddywatch(db, config, "collect", f"file:{recording}").code == 0
    check(db, BOARD, record, lasts)
    assert list(stored(db, BOARD)) == [boot_id]


def test_recording_with_a_hole_is_judged_behind_it(tmp_path: Path, recording: Path) -> None:
    lines = recording.read_bytes().splitlines(keepends=True)
    frames = [at for at, line in enumerate(lines) if line[:2] in (b"~d", b"~k")]
    (tmp_path / "torn").write_bytes(b"".join(line for at, line in enumerate(lines) if at not in frames[20:25]))
    (tmp_path / "config.toml").touch()
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    assert buddywatch(db, config, "collect", f"file:{tmp_path / 'torn'}").code == 0
    alerts = buddywatch(db, config, "alerts", "--json").json["alerts"]
    assert [(alert["rule"], alert["need"], alert["state"]) for alert in alerts if alert["rule"] == "refused"] == [
        ("refused", "rm", "firing")
    ]


def test_what_comes_before_the_boards_name_is_stored(tmp_path: Path, recording: Path) -> None:
    """The hello's first line, which has the name, was damaged, and came whole behind the frames only."""
    record, lasts = truth_of(recording)
    lines = recording.read_bytes().splitlines(keepends=True)
    (name,) = [line for line in lines if b" name=" in line]
    lines.remove(name)
    babble = [b"x" * 1000 + b"\n"] * 100  # so that they are read at different times
    (tmp_path / "late").write_bytes(b"".join([*lines, *babble, name]))
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.touch()
    assert buddywatch(db, config, "collect", f"file:{tmp_path / 'late'}").code == 0
    check(db, BOARD, record, lasts)


def test_recording_without_a_hello_says_that_nothing_of_it_is_stored(tmp_path: Path, recording: Path) -> None:
    lines = recording.read_bytes().splitlines(keepends=True)
    (tmp_path / "headless").write_bytes(b"".join(line for line in lines if line[:2] != b"~H"))
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.touch()
    result = buddywatch(db, config, "collect", "--plain", f"file:{tmp_path / 'headless'}")
    assert result.code == 0
    assert "end of the recording; no hello is in it, so no frame of it can be checked" in result.out
    assert stored(db, BOARD) == {}


def test_two_links_to_a_board_store_everything_once(scene: Scene, adapter: Adapter, tmp_path: Path) -> None:
    adapter.plug_in()
    collector = scene.collect(f"serial://{tmp_path}/ttyUSB0", scene.stage.telnet_url)
    scene.raise_curtain()
    scene.play(STATES[:20])
    adapter.pull_out()
    scene.play(STATES[20:35])
    adapter.plug_in()
    scene.stage.telnet.cut.set()
    scene.play(STATES[35:50])
    scene.stage.telnet.cut.clear()
    scene.play(STATES[50:])
    lasts = scene.settle()
    wait_for(lambda: len(_links_up(scene)) == 2, "both links to be up")
    assert collector.stop() == 0
    scene.check(lasts)


def test_two_collectors_on_two_links_do_not_disturb_each_other(scene: Scene, adapter: Adapter, tmp_path: Path) -> None:
    """One of them loses its line again and again, is killed, and asks for what it missed; the other has a good line."""
    adapter.plug_in()
    heard: list[bytes] = []
    with closing(FaultTcp(1, ("flip", "disconnect"), 200, 0, ("127.0.0.1", scene.stage.telnet.port))) as line:
        line.tap = lambda towards, data: heard.append(data) if towards == TO_BOARD else None
        line.start()
        quiet = scene.collect(f"serial://{tmp_path}/ttyUSB0")
        other_db = tmp_path / "other.db"
        url = f"telnet://127.0.0.1:{line.port}"
        other = Collector(other_db, scene.config, [url])
        scene.collectors.append(other)
        scene.raise_curtain()
        scene.play(STATES[:25])
        other.stop(signal.SIGKILL)
        scene.play(STATES[25:50])
        scene.collectors.append(Collector(other_db, scene.config, [url]))
        scene.play(STATES[50:])
        line.calm()
        lasts = scene.settle()
        wait_for(lambda: has(other_db, BOARD, lasts), "all of it in the other store")
        assert quiet.stop() == 0
        assert scene.collectors[-1].stop() == 0
        scene.check(lasts)
        check(other_db, BOARD, scene.record, lasts)
        assert any(data.startswith(b"@r") for data in heard)


def _links_up(scene: Scene) -> list[str]:
    with closing(sqlite3.connect(scene.db)) as connection:
        return [url for (url,) in connection.execute("SELECT url FROM links WHERE up")]


def test_link_names_its_board(tmp_path: Path, recording: Path) -> None:
    record, lasts = truth_of(recording)
    other = shutil.copy(recording, tmp_path / "other.txt")
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.touch()
    result = buddywatch(db, config, "collect", f"file:{recording}?board=north", f"file:{other}?board=south")
    assert (result.code, result.err) == (0, "")
    boards = buddywatch(db, config, "status", "--json").json["boards"]
    assert [board["name"] for board in boards] == ["north", "south"]
    for name in ("north", "south"):
        check(db, name, record, lasts)


TAKEN, FREE = "a port that something listens on", "a port that nothing listens on"


@pytest.mark.parametrize(
    ("link", "code", "expected"),
    [
        pytest.param(f"listen://127.0.0.1:{TAKEN}", 4, "in use", id="port-in-use"),
        pytest.param(f"telnet://127.0.0.1:{FREE}", 4, "refused", id="telnet-refused"),
        pytest.param(f"tcp://127.0.0.1:{FREE}", 4, "refused", id="tcp-refused"),
        pytest.param("serial:///dev/no-such-tty", 4, "/dev/no-such-tty: no such", id="no-device"),
        pytest.param("serial:///dev/null", 4, "/dev/null: ", id="not-a-serial-line"),
        pytest.param("file:/no/such/recording", 4, "no such file", id="no-recording"),
        pytest.param("file:/dev", 4, "expected a recorded stream", id="folder-for-a-recording"),
        pytest.param(None, 2, "no link", id="no-link"),
        pytest.param("http://board", 2, "expected serial:///", id="unknown-kind"),
        pytest.param("tcp://board", 2, "expected serial:///", id="no-port"),
        pytest.param("telnet://board:99999", 2, "expected serial:///", id="impossible-port"),
        pytest.param("serial:///dev/ttyS0?baud=fast", 2, "baud=fast", id="nonsense-rate"),
        pytest.param("/dev/ttyUSB0", 2, "expected serial:///", id="bare-path"),
    ],
)
def test_link_that_cannot_be_opened_is_one_line(
    tmp_path: Path, peer: Peer, link: str | None, code: int, expected: str
) -> None:
    (tmp_path / "config.toml").touch()
    ports = {TAKEN: str(peer.port), FREE: str(rig.free_port())}
    for name, port in ports.items():
        link = link and link.replace(name, port)
    ends_by_itself = code == 2 or (link or "").startswith("file:")
    options = [] if ends_by_itself else ["--for", "1"]
    result = buddywatch(tmp_path / "x.db", tmp_path / "config.toml", "collect", *filter(None, [link]), *options)
    assert result.code == code
    assert result.err.startswith("buddywatch: ")
    assert result.err.count("\n") == 1
    assert expected in result.err
    if code == 4:
        assert (link or "").rpartition("/")[2] in result.err


def test_recording_that_comes_through_a_pipe_is_not_stored_in_the_future(tmp_path: Path) -> None:
    """Its frames arrive in a moment: the newest of them was made now at the latest."""
    db, config = tmp_path / "x.db", tmp_path / "config.toml"
    config.write_text("")
    made, width = facts(name="xport")
    board = ModelBoard("0000b001", made, width, 100_000, 1)
    text = b"".join(bytes(line) + b"\n" for line in [*board.hello(), *board.stream(2000)]).decode()
    assert buddywatch(db, config, "collect", "--plain", "-", input=text).code == 0
    with Store.open_readonly(db) as store:
        times = [shot.time for shot in store.snapshots("xport")]
    assert len(times) == 2000
    assert times[-1] <= time.time()
    assert times[-1] - times[0] == pytest.approx(1999 * 5, abs=1)
