"""A secret between the agent and the collector, over every network link, under both interpreters."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import rig
from daemons import Daemon, telnet
from system_parts import Collector, buddywatch, stored
from waiting import wait_for

SECRETS = {"roof": "correct-horse-battery-staple", "cellar": "another-long-long-secret"}


class Yard:
    """Secrets in files, a configuration that names them, agents and a collector."""

    def __init__(self, folder: Path, command, proc: Path, stack: ExitStack) -> None:
        self.folder, self.db, self.config = folder, folder / "x.db", folder / "config.toml"
        self._command, self._proc, self._stack = command, proc, stack
        for name, secret in SECRETS.items():
            (folder / name).write_text(secret + "\n")
            (folder / name).chmod(0o600)
        self.configure(*SECRETS)

    def configure(self, *boards: str) -> None:
        """Boards that have a secret, each in the file of its name."""
        self.config.write_text("".join(f'[[board]]\nname = "{name}"\nsecret_file = "{name}"\n' for name in boards))

    def agent(self, name: str, secret: str | None, *options: str) -> Daemon:
        """A board that calls itself `name`, with the secret of another or without."""
        more = ("--secret-file", str(self.folder / secret)) if secret else ()
        return self._stack.enter_context(Daemon(self._command, *options, "--name", name, *more, proc=self._proc))

    def collect(self, *links: str) -> Collector:
        return self._stack.enter_context(closing(Collector(self.db, self.config, links)))

    def boards(self) -> dict[str, int | None]:
        """The boards in the store, and the free bytes of each."""
        found = buddywatch(self.db, self.config, "status", "--json")
        return {board["name"]: board["free_bytes"] for board in found.json["boards"]} if found.code < 2 else {}

    def wait_for_data(self, board: str) -> None:
        wait_for(lambda: stored(self.db, board), f"data of {board}")


@pytest.fixture
def yard(tmp_path: Path, agent_command, proc_dir: Path) -> Iterator[Yard]:
    with ExitStack() as stack:
        yield Yard(tmp_path, agent_command, proc_dir, stack)


@pytest.mark.parametrize("scheme", ["telnet", "tcp"])
@pytest.mark.parametrize("named", [False, True], ids=["by-hello", "by-url"])
def test_board_with_a_secret_is_collected_from(yard: Yard, scheme: str, named: bool) -> None:
    port = rig.free_port()
    yard.agent("roof", "roof", "--telnet", str(port))
    collector = yard.collect(f"{scheme}://127.0.0.1:{port}{'?board=roof' if named else ''}")
    yard.wait_for_data("roof")
    assert collector.stop() == 0
    assert SECRETS["roof"] not in collector.out + collector.err


def test_name_in_the_url_finds_the_secret_of_a_board_that_calls_itself_otherwise(yard: Yard) -> None:
    port = rig.free_port()
    yard.agent("board", "cellar", "--telnet", str(port))
    yard.collect(f"telnet://127.0.0.1:{port}?board=cellar")
    yard.wait_for_data("cellar")


@pytest.mark.parametrize(
    ("has", "knows", "said"),
    [
        pytest.param("roof", [], "board roof demands a secret; give its [[board]] a secret_file", id="unknown"),
        pytest.param("cellar", ["roof"], "it rejected our proof; give both sides the same secret", id="wrong"),
        pytest.param(None, ["roof"], "did not prove roof's secret", id="none"),
    ],
)
def test_what_does_not_fit_is_told(yard: Yard, has: str | None, knows: list[str], said: str) -> None:
    port = rig.free_port()
    yard.agent("roof", has, "--telnet", str(port))
    yard.configure(*knows)
    collector = yard.collect(f"telnet://127.0.0.1:{port}")
    collector.wait_until_it_says(said)
    assert collector.stop() in (0, 4)
    assert not any(yard.boards().values())


def test_boards_that_dial_in_prove_their_names(yard: Yard) -> None:
    port = rig.free_port()
    collector = yard.collect(f"listen://127.0.0.1:{port}")
    there = ("--connect", f"127.0.0.1:{port}")
    thief = yard.agent("roof", "cellar", *there)
    collector.wait_until_it_says("it rejected our proof")
    stranger = yard.agent("roof", None, *there)
    collector.wait_until_it_says("did not prove")
    assert not yard.boards().get("roof")
    thief.stop()
    stranger.stop()
    yard.agent("cellar", "cellar", *there)
    yard.agent("roof", "roof", *there)
    yard.agent("shed", None, *there)  # of this machine's programs only those with a secret must prove it
    for board in ("roof", "cellar", "shed"):
        yard.wait_for_data(board)
    assert collector.stop() == 0


def test_open_listener_takes_nobody_without_a_secret(yard: Yard) -> None:
    port = rig.free_port()
    collector = yard.collect(f"listen://0.0.0.0:{port}")
    there = ("--connect", f"127.0.0.1:{port}")
    yard.agent("shed", None, *there)
    yard.agent("roof", "roof", *there)
    yard.wait_for_data("roof")
    collector.wait_until_it_says("no proof of a secret within 20 s")
    assert not yard.boards().get("shed")
    assert collector.stop() == 0


def test_open_listener_without_any_secret_is_an_error(yard: Yard) -> None:
    yard.configure()
    url = f"listen://0.0.0.0:{rig.free_port()}"
    done = buddywatch(yard.db, yard.config, "collect", "--for", "1", url)
    assert done.code == 2
    assert done.err.startswith(f"buddywatch: {url}: any host can reach this address, and no board has a secret")
    assert len(done.err.splitlines()) == 1
    yard.config.write_text(f'[collector]\nlinks = ["{url}"]\n')
    done = buddywatch(yard.db, yard.config, "check-config")
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "no board has a secret" in done.err


def test_no_secret_is_on_the_wire_and_no_recording_of_it_helps(yard: Yard) -> None:
    """A tap between the two: what it has heard of one connection opens no other one."""
    port = rig.free_port()
    yard.agent("roof", "roof", "--telnet", str(port))
    with socket.create_server(("127.0.0.1", 0)) as tap:
        yard.collect(f"tcp://127.0.0.1:{tap.getsockname()[1]}?board=roof")
        host = tap.accept()[0]
    with host, telnet(port).file as board:
        heard = {host: b"", board: b""}
        for one, other, until in ((board, host, b"~S "), (host, board, b"@s "), (board, host, b"~A ")):
            while until not in heard[one] or not heard[one].endswith(b"\n"):
                heard[one] += one.recv(1000)
            other.sendall(heard[one])
    assert not [text for text in heard.values() if SECRETS["roof"].encode() in text]
    replay = telnet(port)
    replay.until_text(b"~S roof ")
    replay.say(heard[host])
    assert b"that is not the proof" in replay.until_end()
    replay.close()


def test_secret_that_others_may_read_is_an_error(yard: Yard) -> None:
    (yard.folder / "roof").chmod(0o644)
    done = buddywatch(yard.db, yard.config, "check-config")
    assert done.code == 1
    assert f"{yard.folder / 'roof'} is readable by other users (mode 0644); run: chmod 600" in done.err
