"""The proof of a secret: the vectors, and that no answer serves anywhere but where it was given."""

import binascii

from buddyd import wire, wire_host
from buddyd.talk import secret
from harness import raises, vectors

VECTORS = vectors("secret.json")
KEY = VECTORS["secret"].encode()
NAME = VECTORS["name"].encode()
OF_BOARD, OF_HOST = VECTORS["of_board"].encode(), VECTORS["of_host"].encode()
LINES = [turn["line"].encode() for turn in VECTORS["turns"]]


def lock(key=KEY, name=NAME, of_board=OF_BOARD):
    return secret.Lock(key, name, of_board)


def test_hmac_is_that_of_rfc_4231():
    for case in VECTORS["hmac"]:
        key, message = binascii.unhexlify(case["key"]), binascii.unhexlify(case["message"])
        assert binascii.hexlify(secret.hmac_sha256(key, message)).decode() == case["digest"]


def test_key_is_hashed_where_it_is_longer_than_a_block():
    """64 bytes, RFC 2104, 2; the digests are those of Python's hmac."""
    for length, digest in ((64, b"850b7716a32376cf"), (65, b"8c57c51818df5596")):
        assert binascii.hexlify(secret.hmac_sha256(b"k" * length, b"what"))[:16] == digest


def test_conversation_is_that_of_the_vectors():
    assert lock().challenge() == LINES[0]
    assert secret.parse(LINES[0], secret.CHALLENGE, 2) == [NAME, OF_BOARD]
    assert secret.answer(KEY, NAME, OF_BOARD, OF_HOST) == LINES[1]
    assert lock().open(LINES[1]) == LINES[2]
    assert secret.parse(LINES[2], secret.PROOF, 1) == [secret.proof(KEY, secret.BOARD, NAME, OF_BOARD, OF_HOST)]


def test_lines_keep_to_the_wire():
    longest = secret.challenge(b"n" * 64, OF_BOARD)
    assert len(longest) < wire.LINE_MAX
    assert len(LINES[1]) + 1 <= wire.ASK_MAX
    for line in LINES + [longest]:
        assert min(line) > 31
        assert max(line) < 127


def test_answer_serves_no_other_secret_board_or_connection():
    for other in (lock(key=KEY + b"x"), lock(name=b"xport-08"), lock(of_board=OF_HOST)):
        assert other.open(LINES[1]) is None


def test_answer_cannot_be_reflected():
    """Neither is the board's proof the host's, nor the other way round, whatever numbers are chosen."""
    for of_host in (OF_HOST, OF_BOARD):
        host = secret.proof(KEY, secret.HOST, NAME, OF_BOARD, of_host)
        board = secret.proof(KEY, secret.BOARD, NAME, OF_BOARD, of_host)
        assert host != board
        line = wire.seal(b"%s %s %s " % (secret.ANSWER, of_host, board))
        assert lock().open(line) is None


def test_what_is_no_answer_is_told_from_a_wrong_one():
    for line in (b"", b"help", wire_host.ask_hello(), LINES[0], LINES[2], LINES[1][:-1], b"@s", wire.seal(b"@s x ")):
        assert lock().open(line) == b"", line
    for claim in (b"", b"x", secret.proof(KEY, secret.HOST, NAME, OF_BOARD, OF_HOST)[:-1]):
        assert lock().open(wire.seal(b"@s %s %s " % (OF_HOST, claim))) is None, claim


def test_every_changed_character_of_a_proof_is_seen():
    good = secret.proof(KEY, secret.HOST, NAME, OF_BOARD, OF_HOST)
    assert len(good) == secret.TOKEN_CHARS
    for i in range(len(good)):
        bad = good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :]
        assert not secret.same(good, bad)
        assert lock().open(wire.seal(b"@s %s %s " % (OF_HOST, bad))) is None


def test_same_compares_content_and_length():
    for one, other, expected in ((b"", b"", True), (b"ab", b"ab", True), (b"ab", b"ac", False), (b"ab", b"a", False)):
        assert secret.same(one, other) == expected


def test_nonce_hides_its_seed_and_differs():
    nonces = [secret.nonce(b"seed %d" % i) for i in range(100)]
    for nonce in nonces:
        assert len(nonce) == secret.TOKEN_CHARS
        assert nonces.count(nonce) == 1


def test_secret_is_one_line_of_characters():
    assert secret.checked(b"0123456789abcdef\n") == b"0123456789abcdef"
    assert secret.checked(b"  %s\r\n" % (b"x" * 128)) == b"x" * 128
    two = (b"0123456789 abcdef", b"0123456789abcdef\nmore")
    for text in (b"", b"\n", b"0123456789abcde", b"x" * 129, b"\xff" * 20) + two:
        error = str(raises(ValueError, secret.checked, text))
        assert "16 to 128 printable characters" in error
        assert "\n" not in error
        assert "abcde" not in error, "a secret is told to nobody"
