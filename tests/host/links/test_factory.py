"""Which links are guarded, which listeners may be open, and whose claim to be a board is believed."""

import re
import socket

import pytest
from buddyd import wire
from buddyd.talk import secret
from buddywatch.config.board_secrets import BoardSecrets
from buddywatch.config.secret_places import SecretError
from buddywatch.config.sections import Board, Collector, Config
from buddywatch.links import guarded
from buddywatch.links.base import LinkDown
from buddywatch.links.factory import Doors
from buddywatch.links.guarded import GuardedLink
from buddywatch.links.hush import HushLink
from buddywatch.links.serial import SerialLink
from linktools import listening, read_until, wait

KEYS = {"roof": b"correct-horse-battery-staple", "cellar": b"another-long-long-secret"}
OF_BOARD = secret.nonce(b"test")


@pytest.fixture
def config(tmp_path):
    boards = []
    for name, key in KEYS.items():
        (tmp_path / name).write_bytes(key + b"\n")
        boards.append(Board(name, secret_file=tmp_path / name))
    return Config(Collector(tmp_path / "db"), boards=(*boards, Board("shed")))


NO_SECRETS = Config(Collector("db"))


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "[::]", "example.org"])
def test_open_listener_needs_a_secret(config, address):
    with pytest.raises(ValueError, match="no board has a secret") as raised:
        Doors(NO_SECRETS).connection(f"listen://{address}:7000")
    assert "\n" not in str(raised.value)
    Doors(config).connection(f"listen://{address}:7000")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "[::1]", "localhost"])
def test_listener_of_this_machine_needs_none(address):
    url = f"listen://{address}:7000"
    assert Doors(NO_SECRETS).connection(url).url == url


NETWORK = [
    "tcp://a:1?",
    "telnet://a:1?",
    "telnet://root@a?login=env:X&",
    "rfc2217://a:1?",
    "hush://a?",
    "hush+tcp://a:1?",
]


@pytest.mark.parametrize("url", NETWORK)
def test_links_over_a_network_are_guarded_unless_they_say_otherwise(config, url):
    doors = Doors(config)
    assert isinstance(doors.connection(url.rstrip("?&")).link, GuardedLink)
    assert not isinstance(doors.connection(f"{url}board=roof&secret=none").link, GuardedLink)
    with pytest.raises(ValueError, match="secret=none, or nothing") as raised:
        doors.connection(f"{url}secret=open-sesame")
    assert "open-sesame" not in str(raised.value)


def test_shell_of_a_board_with_a_secret_is_believed_only_on_demand(config):
    with pytest.raises(ValueError, match="a shell cannot authenticate"):
        Doors(config).connection("hush://root@a?board=roof")
    assert isinstance(Doors(config).connection("hush://root@a?board=shed").link, GuardedLink)


def test_serial_lines_are_not_guarded(config):
    assert isinstance(Doors(config).connection("serial:///dev/ttyUSB0?board=roof").link, SerialLink)
    assert isinstance(Doors(config).connection("hush+serial:///dev/ttyUSB0?board=roof").link, HushLink)


class Peer:
    """A board at the other end of a guarded link."""

    def __init__(self, config, server, options=""):
        self.connection = Doors(config).connection(f"tcp://127.0.0.1:{server.getsockname()[1]}{options}")
        self.link = self.connection.link
        self.connection.tend(0.0)
        while not self.link.link.up:
            wait(self.link, 0.2)
            self.connection.receive(0.0)
        self.socket = server.accept()[0]
        self.socket.settimeout(10)

    def prove(self, name, key):
        """Go through the proof as the board; what the host sent."""
        lock = secret.Lock(key, name, OF_BOARD)
        self.socket.sendall(lock.challenge() + b"\n")
        while not self.link.up or not self.link._handshake.is_answered:
            wait(self.link, 0.2)
            self.link.read()
            if self.link._handshake.is_answered:
                break
        answer = self.socket.recv(1000)
        proof = lock.open(answer.strip())
        self.socket.sendall((proof or b"no") + b"\n")
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.close()
        self.socket.close()


@pytest.fixture
def server():
    with listening() as server:
        yield server


def test_link_of_a_board_with_a_secret_is_up_after_the_proof(config, server):
    with Peer(config, server, "?board=roof") as peer:
        peer.socket.sendall(wire.seal(b"~H boot=00000000 name=roof ") + b"\n")
        wait(peer.link)
        assert peer.link.read() == b""
        assert not peer.link.up
        assert KEYS["roof"] not in peer.prove(b"roof", KEYS["roof"])
        peer.socket.sendall(b"hello\n")
        assert read_until(peer.link, bool) == b"hello\n"
        assert peer.link.up
        assert peer.link.objection("roof") is None


def test_one_boards_secret_proves_no_other_board(config, server):
    with Peer(config, server) as peer:
        peer.prove(b"roof", KEYS["roof"])
        while peer.link._handshake.proven is None:
            wait(peer.link, 0.2)
            peer.link.read()
        assert peer.link.objection("roof") is None
        assert (
            peer.link.objection("cellar")
            == "authentication failed: the peer says it is 'cellar' but proved the secret of 'roof'"
        )


def test_another_boards_secret_is_a_wrong_one(config, server):
    with Peer(config, server) as peer:
        lock = secret.Lock(KEYS["cellar"], b"roof", OF_BOARD)
        peer.socket.sendall(lock.challenge() + b"\n")
        wait(peer.link)
        peer.link.read()
        assert lock.open(peer.socket.recv(1000).strip()) is None, "the host's proof is made with roof's"
        peer.socket.sendall(secret._seal(secret.PROOF, b"x" * 22) + b"\n")
        with pytest.raises(LinkDown, match="proof is wrong"):
            read_until(peer.link, lambda _: False)


def test_name_with_a_secret_is_not_given_away(config, server):
    with Peer(config, server) as peer:
        assert peer.link.up, "nothing is demanded of a board without a secret"
        assert peer.link.objection("shed") is None
        assert "did not prove" in peer.link.objection("roof")


def claims(connection, peer, *lines):
    """What the connection lets through of these lines."""
    peer.socket.sendall(b"".join(wire.seal(line) + b"\n" for line in lines))
    wait(peer.link)
    return connection.receive(0.0)


def test_connection_drops_who_claims_a_name_that_has_a_secret(config, server):
    with Peer(config, server) as peer:
        connection = peer.connection
        assert claims(connection, peer, b"~H boot=00000000 name=roof ", b"~G 00000000 1 5 ") == []
        assert not connection.is_up
        assert connection.board is None
        assert "says it is 'roof'" in connection.news[-1]


def test_nameless_hello_does_not_inherit_the_board_of_the_connection_before(config, server):
    with Peer(config, server) as peer:
        connection = peer.connection
        connection.board = "roof"  # proven the last time
        assert claims(connection, peer, b"~H boot=00000000 next=5 ") == []
        assert not connection.is_up


def test_secret_that_cannot_be_read_is_told(config, tmp_path):
    (tmp_path / "roof").write_text("short\n")
    secrets = BoardSecrets.of(config)
    with pytest.raises(SecretError, match="16 to 128") as raised:
        secrets.key("roof")
    assert "short" not in str(raised.value)
    (tmp_path / "cellar").unlink()
    with pytest.raises(SecretError, match="secret of cellar"):
        secrets.key("cellar")
    assert secrets.key("shed") is None


def test_strangers_that_prove_nothing_are_told_once_a_minute_with_their_number(config, monkeypatch):
    now_s = 1000.0
    monkeypatch.setattr(guarded, "monotonic", lambda: now_s)
    doors = Doors(config)
    listening = doors.connection("listen://0.0.0.0:0")
    listening.tend(now_s)

    def stranger():
        """The news about one that stays silent."""
        nonlocal now_s
        with socket.create_connection(("127.0.0.1", listening.link.port), 10):
            calls = []
            while not calls:
                wait(listening.link)
                listening.receive(now_s)
                calls = doors.admitted(listening.link, None)
            (call,) = calls
            call.tend(now_s)
            call.receive(now_s)
            now_s += guarded.PROVE_S + 1
            call.receive(now_s)
            assert call.ended
            assert "no proof of a secret" in call.last_error
            return call.url.removeprefix("caller://"), call.news

    address, first = stranger()
    reason = "authentication failed: no proof of a secret within 20 s; buddyd there needs --secret-file"
    assert first == [f"{address}: {reason}"]
    assert [stranger()[1] for _ in range(2)] == [[], []]
    address, news = stranger()
    assert news == [f"{address}: {reason} (and 2 more since the last report)"]
    listening.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("telnet://h?x=y", "login=file:PATH|env:NAME, exec=COMMAND, board=NAME or secret=none"),
        ("tcp://h:1?x=y", "board=NAME or secret=none"),
        ("rfc2217://h:1?x=y", "baud=NUMBER, dtr=true|false, rts=true|false, board=NAME or secret=none"),
        ("hush://h?x=y", "login=file:PATH|env:NAME, interval=SECONDS, board=NAME or secret=none"),
        ("listen://127.0.0.1:1?x=y", "connections=NUMBER or board=NAME"),
    ],
)
def test_unknown_option_is_answered_with_all_that_there_are(url, expected):
    with pytest.raises(ValueError, match=re.escape(f"{url}: x=y: expected {expected}") + "$"):
        Doors(NO_SECRETS).connection(url)
