"""Bytes from a hostile, broken or mistaken peer, made from a seed, for tests of servers."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator

from buddyd import wire

TOTAL_BYTES = 1_000_000
_WORDS = (
    b"help",
    b"status",
    b"need 61440",
    b"need",
    b"recent 20",
    b"watch",
    b"stop",
    b"about",
    b"\b\x7f\x15",
    b"console x",
)
_TELNET = (
    b"\xff\xfd\x06",
    b"\xff\xfb\x18",
    b"\xff\xfa\x18\x00xterm\xff\xf0",
    b"\xff\xf6",
    b"\xff\xff",
    b"\xff",
    b"\xff\xf4",
)
_ENDS = (b"\n", b"\r\n", b"\r", b"\r\0", b"", b"\n\n\r")


def _token(chance: random.Random) -> bytes:
    return bytes(chance.choices(string.ascii_letters.encode() + b"+/", k=22))


def _sealed(chance: random.Random) -> bytes:
    """A line whose check fits, with nonsense in it."""
    number = chance.choice((b"0", b"1", b"-1", b"9" * 30, b"x", b""))
    boot = chance.choice((b"00000000", b"", b"zzzzzzzz", b"0" * 40))
    kinds = (
        b"@h ",
        b"@r %s %s %s " % (boot, number, number),
        b"@",
        b"@s %s %s " % (_token(chance), _token(chance)),
        b"~S %s %s " % (chance.choice((b"roof", b"\x80", b"n" * 64)), _token(chance)),
        b"~A %s " % _token(chance),
        b"~G %s %s %s " % (boot, number, number),
        b"~H boot=%s name=%s v=%s zones=%s z0=%s cols=up interval_cs=%s next=%s key=%s "
        % (boot, chance.choice((b"roof", b"\xff", b"a" * 99)), number, number, number, number, number, number),
    )
    return bytes(wire.seal(chance.choice(kinds)))


def _piece(chance: random.Random) -> bytes:
    kind = chance.randrange(12)
    if kind == 0:
        return chance.randbytes(chance.choice((1, 2, 5, 9, 64, 64, 300, 900)))
    if kind == 1:
        return bytes(chance.choices(range(32, 127), k=chance.randrange(200)))
    if kind == 2:
        return chance.choice(_TELNET)
    if kind == 3:
        return chance.choice(_WORDS)
    if kind == 4:
        return b"x" * chance.choice((127, 128, 129, 255, 256, 1024))
    if kind == 5:
        damaged = bytearray(_sealed(chance))
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        return bytes(damaged)
    return _sealed(chance)


def pieces(seed: int, total: int = TOTAL_BYTES) -> Iterator[bytes]:
    """Pieces that have `total` bytes in all."""
    chance, left = random.Random(seed), total
    while left:
        piece = (_piece(chance) + chance.choice(_ENDS))[:left]
        left -= len(piece)
        yield piece


def chunks(seed: int, total: int = TOTAL_BYTES) -> Iterator[bytes]:
    """The same in chunks that have nothing to do with the pieces."""
    chance, held = random.Random(seed + 1), b""
    for piece in pieces(seed, total):
        held += piece
        if len(held) > chance.choice((1, 100, 4000)):
            yield held
            held = b""
    if held:
        yield held
