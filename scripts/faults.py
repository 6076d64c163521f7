"""The faults of a bad line, from a seed: bytes in, a list of actions out. Pure; fault_lines.py applies them.

The place of a fault is counted in bytes of the stream, not in reads, so that a seed gives the same faults however the
stream is cut into pieces.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class Send(NamedTuple):
    """Pass these bytes on."""

    data: bytes


class Echo(NamedTuple):
    """Send these bytes back to where they came from."""

    data: bytes


class Wait(NamedTuple):
    """Delay everything that follows in this direction by this time."""

    seconds: float


class HalfClose(NamedTuple):
    """End this direction; the other one continues."""


class Disconnect(NamedTuple):
    """Both directions end."""


Action = Send | Echo | Wait | HalfClose | Disconnect

# Kinds that change the next bytes of the stream, with the least and the greatest number of bytes.
_SPANS = {
    "flip": (1, 4),
    "drop": (1, 40),
    "duplicate": (1, 60),
    "echo": (20, 200),
    "swallow": (300, 1500),
    "chunk": (100, 600),
}
_WAITS_S = {"delay": (0.01, 0.1), "stall": (0.3, 1.0)}
_TEXTS = {
    "kernel-message": (
        b"<4>rm: page allocation failure. order:4, mode:0xd0\r\n",
        b"[  123.456789] eth0: link up, 100 Mbps full duplex\r\n",
        b"\r\nkjournald starting.  Commit interval 5 seconds\r\n",
        b"usb 1-1: device not responding ~k!",
        b"Normal: 31*4kB 47*8kB 42*16kB 64*32kB 1*64kB 0*128kB = 3284kB\n",
    ),
    "shell-output": (
        b"/ # ",
        b"\r\nboard login: ",
        b"sh: ~d: not found\r\n",
        b"help\r\n",
        b"@h \n",
        b"bin  dev  etc  lib  proc  sbin  tmp  usr  var\r\n",
        b"\x1b[1;34m~user\x1b[m\r\r\n",
    ),
}
KINDS = (*_SPANS, "insert", *_TEXTS, *_WAITS_S, "half-close", "disconnect")
# Faults that break a connection are rarer by this factor, since each costs as much as many of the others.
RARE = {"half-close": 12, "disconnect": 12, "swallow": 6, "stall": 4}
INSERTED_MAX = 20  # random bytes
CHUNK_MAX = 7  # bytes that a chunk is cut down to


def damaged(kind: str, data: bytes, chance: random.Random) -> bytes:
    """data with a fault of this byte-changing kind on every byte."""
    if kind == "flip":
        return bytes(byte ^ 1 << chance.randrange(8) for byte in data)
    if kind in ("drop", "swallow"):
        return b""
    if kind == "duplicate":
        return data + data
    if kind == "insert":
        return data + chance.randbytes(chance.randint(1, INSERTED_MAX))
    return data + chance.choice(_TEXTS[kind])


class Direction:
    """One direction of a line. kinds: which faults. every_bytes: the mean distance between two."""

    def __init__(self, seed: int | str, kinds: Iterable[str], every_bytes: int) -> None:
        self.times: Counter[str] = Counter()  # injected, by kind
        self.hit_bytes: Counter[str] = Counter()  # changed, lost, added, delayed or cut off
        self._chance = random.Random(seed)
        self._kinds = tuple(kinds)
        if not set(self._kinds) <= set(KINDS):
            raise ValueError(f"unknown faults: {', '.join(sorted(set(self._kinds) - set(KINDS)))}")
        self._weights = [1 / RARE.get(kind, 1) for kind in self._kinds]
        self._every_bytes = every_bytes
        self._kind = ""  # of the current fault
        self._left = 0  # bytes that it will still change
        self._copy = b""  # what will be sent a second time
        self._ahead = self._distance()  # bytes before the next one

    def calm(self) -> None:
        """The line is good from now on."""
        self._kinds = ()
        self._kind, self._left, self._copy = "", 0, b""

    def feed(self, data: bytes) -> list[Action]:
        """The actions for the next bytes."""
        out: list[Action] = []
        while data and self._kinds:
            if self._kind:
                data = self._go_on(data, out)
            elif self._ahead:
                _put(out, data[: self._ahead])
                self._ahead, data = max(0, self._ahead - len(data)), data[self._ahead :]
            else:
                self._begin(out)
        _put(out, data)
        return out

    def _distance(self) -> int:
        return 1 + int(self._chance.expovariate(1 / self._every_bytes))

    def _begin(self, out: list[Action]) -> None:
        kind = self._chance.choices(self._kinds, self._weights)[0]
        self._ahead = self._distance()
        self.times[kind] += 1
        if kind in _SPANS:
            self._kind, self._left = kind, self._chance.randint(*_SPANS[kind])
        elif kind in _WAITS_S:
            out.append(Wait(self._chance.uniform(*_WAITS_S[kind])))
            self.hit_bytes[kind] += 1
        elif kind == "half-close":
            out.append(HalfClose())
            self.hit_bytes[kind] += 1
        elif kind == "disconnect":
            out.append(Disconnect())
            self.hit_bytes[kind] += 1
        else:
            added = damaged(kind, b"", self._chance)
            self.hit_bytes[kind] += len(added)
            _put(out, added)

    def _go_on(self, data: bytes, out: list[Action]) -> bytes:
        """Apply the current fault to as much of data as it still covers; returns the rest."""
        now, rest = data[: self._left], data[self._left :]
        self._left -= len(now)
        self.hit_bytes[self._kind] += len(now)
        if self._kind == "chunk":
            while now:
                size = self._chance.randint(1, CHUNK_MAX)
                out.append(Send(now[:size]))
                now = now[size:]
        elif self._kind == "echo":
            _put(out, now)
            out.append(Echo(now))
        elif self._kind == "duplicate":
            self._copy += now
            _put(out, now)
        else:
            _put(out, damaged(self._kind, now, self._chance))
        if not self._left:
            _put(out, self._copy)
            self._kind, self._copy = "", b""
        return rest


def _put(out: list[Action], data: bytes) -> None:
    if data:
        out.append(Send(data))


def sent(actions: Iterable[Action]) -> bytes:
    """All bytes that are passed on."""
    return b"".join(action.data for action in actions if isinstance(action, Send))


def echoed(actions: Iterable[Action]) -> bytes:
    """All bytes that are sent back."""
    return b"".join(action.data for action in actions if isinstance(action, Echo))
