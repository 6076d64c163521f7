import pytest
from buddywatch.links.backoff import JITTER, LONGEST_S, STEADY_S, Backoff
from buddywatch.links.file import FileLink, StdinLink
from buddywatch.links.listen import Listener
from buddywatch.links.serial import SerialLink
from buddywatch.links.tcp import TcpLink, TelnetLink
from buddywatch.links.urls import open_link, split_board

GOOD = [
    ("serial:///dev/ttyUSB0", SerialLink, {"_path": "/dev/ttyUSB0", "_baud": 115200, "_dtr": True, "_rts": True}),
    ("serial:///dev/ttyS1?baud=9600&dtr=false", SerialLink, {"_baud": 9600, "_dtr": False, "_rts": True}),
    ("serial:///dev/ttyS1?rtscts=true", SerialLink, {"_rtscts": True}),
    ("serial:///dev/serial/by-id/usb-1?rts=false", SerialLink, {"_path": "/dev/serial/by-id/usb-1", "_rts": False}),
    ("serial:///dev/ttyS1?shared=true", SerialLink, {"takes_requests": False}),
    ("serial:///dev/ttyS1", SerialLink, {"takes_requests": True}),
    ("tcp://board:4000", TcpLink, {"_host": "board", "_port": 4000}),
    ("tcp://[::1]:4000/", TcpLink, {"_host": "::1", "_port": 4000}),
    ("telnet://192.0.2.7", TelnetLink, {"_host": "192.0.2.7", "_port": 23}),
    ("telnet://board:2300", TelnetLink, {"_port": 2300}),
    ("listen://127.0.0.1:9000", Listener, {"_address": ("127.0.0.1", 9000), "_connections_max": 64}),
    ("listen://[::]:9000?connections=20", Listener, {"_address": ("::", 9000), "_connections_max": 20}),
    ("file:stream.txt", FileLink, {"_path": "stream.txt"}),
    ("file:///tmp/a?b#c", FileLink, {"_path": "/tmp/a?b#c"}),
    ("-", StdinLink, {}),
]


@pytest.mark.parametrize(("url", "kind", "parts"), GOOD, ids=lambda value: value if isinstance(value, str) else "")
def test_open_link_takes_every_kind_apart(url, kind, parts):
    link = open_link(url)
    assert type(link) is kind
    assert link.url == url
    assert {name: getattr(link, name) for name in parts} == parts
    assert not link.up


BAD = [
    ("", "expected serial"),
    ("/dev/ttyUSB0", "expected serial"),
    ("http://board", "expected serial"),
    ("file:", "expected serial"),
    ("serial://dev/ttyUSB0", "three slashes"),
    ("serial:///", "three slashes"),
    ("serial:///dev/ttyUSB0?baud=fast", "baud=fast"),
    ("serial:///dev/ttyUSB0?baud=0", "baud=0"),
    ("serial:///dev/ttyUSB0?baud=99999999999", "baud=99999999999"),
    ("serial:///dev/ttyUSB0?dtr=no", "rtscts=true|false, shared=true|false or board=NAME"),
    ("serial:///dev/ttyUSB0?parity=even", "parity=even"),
    ("tcp://board", "tcp://HOST:PORT"),
    ("tcp://:4000", "tcp://HOST:PORT"),
    ("tcp://board:0", "tcp://HOST:PORT"),
    ("tcp://board:70000", "0-65535"),
    ("tcp://board:port", "port"),
    ("tcp://board:4000/path", "tcp://HOST:PORT"),
    ("tcp://board:4000?x=1", "x=1: expected board=NAME or secret=none"),
    ("tcp://[::1:4000", "Invalid IPv6"),
    ("telnet://", "telnet://HOST"),
    ("listen://:9000", "listen://ADDRESS:PORT"),
    ("listen://127.0.0.1", "listen://ADDRESS:PORT"),
    ("listen://127.0.0.1:9000?connections=0", "connections=NUMBER"),
    ("listen://127.0.0.1:9000?callers=5", "connections=NUMBER"),
]


@pytest.mark.parametrize(("url", "expected"), BAD, ids=repr)
def test_open_link_says_in_one_line_what_is_wrong(url, expected):
    with pytest.raises(ValueError, match=expected.replace("|", r"\|").replace("?", r"\?")) as raised:
        open_link(url)
    assert "\n" not in str(raised.value)
    assert str(raised.value).startswith(url)


@pytest.mark.parametrize("scheme", ["tcp", "telnet", "hush"])
def test_a_password_in_a_link_is_refused_and_not_repeated(scheme):
    with pytest.raises(ValueError, match="login=file:PATH") as raised:
        open_link(f"{scheme}://me:secret@board:4000")
    assert "secret" not in str(raised.value)


def test_backoff_doubles_up_to_a_minute():
    backoff = Backoff()
    assert [backoff.next_wait_s(0.0, 0.0) for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_backoff_begins_anew_only_after_a_connection_that_lasted():
    backoff = Backoff()
    for _ in range(5):
        backoff.next_wait_s(STEADY_S - 1, 0.0)
    assert backoff.next_wait_s(STEADY_S - 1, 0.0) == 32
    assert backoff.next_wait_s(STEADY_S, 0.0) == 1
    assert backoff.next_wait_s(0.0, 0.0) == 2


def test_backoff_is_shortened_by_chance_and_never_lengthened():
    backoff = Backoff()
    for _ in range(6):
        backoff.next_wait_s(0.0, 0.5)
    assert backoff.next_wait_s(0.0, 1.0) == LONGEST_S * (1 - JITTER)


def test_address_that_is_not_closed_is_told_with_the_link():
    with pytest.raises(ValueError, match=r"^telnet://\[::1: Invalid IPv6 URL; expected tcp://"):
        split_board("telnet://[::1")
