"""The host's side of the proof of a secret: what passes, what is answered, what is not believed."""

import json
from pathlib import Path

import pytest
from buddyd import wire
from buddyd.talk import secret
from buddywatch.protocol.secret_handshake import LINE_KEPT, Handshake, HandshakeError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/secret.json").read_text())
NAME, KEY = VECTORS["name"], VECTORS["secret"].encode()
OF_BOARD, OF_HOST = VECTORS["of_board"].encode(), VECTORS["of_host"].encode()
CHALLENGE, ANSWER, PROOF = (turn["line"].encode() + b"\n" for turn in VECTORS["turns"])


def handshake(demanded=True, keys=None):
    return Handshake({NAME: KEY}.get if keys is None else keys.get, demanded, OF_HOST)


def said(one):
    out = bytes(one.out)
    one.out.clear()
    return out


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_conversation_is_that_of_the_vectors(chunk):
    one = handshake()
    stream = b"greeting\r\n" + CHALLENGE.replace(b"\n", b"\r\n") + PROOF + b"buddyd 0.1.0\r\n~H"
    passed = b"".join(one.feed(stream[i : i + chunk]) for i in range(0, len(stream), chunk))
    assert said(one) == ANSWER
    assert one.proven == NAME
    assert passed == b"buddyd 0.1.0\r\n~H", "nothing before the proof"


def test_what_is_not_demanded_passes_but_for_the_proof_itself():
    one = handshake(demanded=False)
    assert one.feed(b"greeting\r\n" + CHALLENGE + b"half") == b"greeting\r\n"
    assert one.rest() == b"half"
    assert one.feed(b" a line\n" + PROOF + b"rest") == b"half a line\nrest"
    assert one.rest() == b""


def test_same_challenge_again_is_answered_once():
    one = handshake()
    one.feed(CHALLENGE + CHALLENGE)
    assert said(one) == ANSWER
    assert one.is_answered


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        pytest.param(secret.challenge(b"other", OF_BOARD) + b"\n", "board other demands a secret", id="unknown"),
        pytest.param(PROOF, "sends a proof that nobody asked for", id="unasked"),
        pytest.param(CHALLENGE + wire.seal(b"~A xxxxxxxxxxxxxxxxxxxxxx ") + b"\n", "proof is wrong", id="wrong"),
        pytest.param(
            CHALLENGE + wire.seal(b"~A %s " % VECTORS["host_proof"].encode()) + b"\n", "proof is wrong", id="reflected"
        ),
        pytest.param(CHALLENGE + secret.challenge(NAME.encode(), OF_HOST) + b"\n", "second proof", id="two-challenges"),
    ],
)
def test_what_is_not_right_ends_it(lines, why):
    one = handshake()
    with pytest.raises(HandshakeError, match=why):
        one.feed(lines)
    assert one.proven is None


def test_flood_without_a_line_end_is_not_kept():
    for demanded in (True, False):
        one = handshake(demanded)
        passed = sum(len(one.feed(b"x" * 1000)) for _ in range(100))
        assert passed == 0 if demanded else passed > 90_000
        assert len(one.rest()) <= LINE_KEPT


def test_damaged_challenge_is_no_challenge():
    one = handshake()
    assert one.feed(CHALLENGE[:-3] + b"!!\n") == b""
    assert said(one) == b""
