"""Authentication: both ends prove a shared secret without sending it. Pure, no I/O; PROTOCOL.md explains it.

    board  ~S NAME NONCE            its name, and a number that it has never used before
    host   @s NONCE PROOF           the host's own number, and the proof that it has the secret
    board  ~A PROOF                 the proof that the board has it, too

A proof is an HMAC-SHA256 (RFC 2104) over the protocol's name, the role of the prover, the board's name and both
numbers: it is not valid for another connection, another board, or the other direction. Before the proof only these
lines are accepted or sent. The host proves first, so a stranger learns nothing from a board that depends on its secret.
"""

import binascii
import hashlib

from .. import wire

SECRET_MIN = 16  # characters: an eavesdropper can try words against a recorded proof, without any limit of speed
SECRET_MAX = 128
HOST, BOARD = b"host", b"board"  # roles
CHALLENGE = wire.MARK + b"S"
ANSWER = wire.ASK + b"s"
PROOF = wire.MARK + b"A"
_BYTES = 16  # of a nonce, and of a proof: half of SHA-256, as RFC 2104, 5 allows, to fit into wire.ASK_MAX
TOKEN_CHARS = 22  # those bytes in base64, without its two `=`
CODE_BYTES = 16  # behind each command on a connection whose peer has proven the secret
_BLOCK = 64  # SHA-256's
DEMAND = "buddyd: a secret is set here. `buddywatch console` proves that you have it; telnet alone cannot."
REFUSED = "buddyd: that is not the proof. Give both sides the same secret."


def hmac_sha256(key, message):
    """RFC 2104; MicroPython has no hmac, and its digest() may be called once only."""
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    key = key + bytes(_BLOCK - len(key))
    inner = hashlib.sha256(bytes([byte ^ 0x36 for byte in key]))
    inner.update(message)
    outer = hashlib.sha256(bytes([byte ^ 0x5C for byte in key]))
    outer.update(inner.digest())
    return outer.digest()


def same(one, other):
    """True if two bytes objects are equal, in a time that does not depend on where they differ."""
    difference = len(one) ^ len(other)
    for i in range(min(len(one), len(other))):
        difference |= one[i] ^ other[i]
    return difference == 0


def checked(text):
    """The secret in a file's bytes: its only line. ValueError: what is wrong, without the secret."""
    text = text.strip()
    if not SECRET_MIN <= len(text) <= SECRET_MAX or min(text) <= 32 or max(text) >= 127:
        raise ValueError(
            "expected one line of %d to %d printable characters without blanks; make one with: "
            "head -c 24 /dev/urandom | base64" % (SECRET_MIN, SECRET_MAX)
        )
    return text


def token(data):
    """The first 16 bytes of data as 22 characters of base64."""
    return binascii.b2a_base64(data[:_BYTES])[:TOKEN_CHARS]


def nonce(seed):
    """A number used once. seed: bytes never used before; they are hashed, so that their parts cannot be seen."""
    return token(hashlib.sha256(seed).digest())


def proof(secret, role, name, of_board, of_host):
    """The proof that one end has the secret. name: the board's, bytes; of_board, of_host: the nonces."""
    return token(hmac_sha256(secret, b" ".join((b"buddywatch 1", role, name, of_board, of_host))))


def command_key(secret, name, of_board, of_host):
    """The key of one connection, for the codes of the commands that come over it."""
    return hmac_sha256(secret, b" ".join((b"buddywatch 1 command", name, of_board, of_host)))


def command_code(key, number, command):
    """What shows that a command comes from who has proven the secret: a proof alone can be taken over on its way.

    number: bytes, another one for each command of a connection.
    """
    return hmac_sha256(key, number + b" " + command)[:CODE_BYTES]


def _seal(*words):
    return wire.seal(b" ".join(words) + b" ")


def challenge(name, of_board):
    """The line of a board: a sealed line without its newline, as are the two below."""
    return _seal(CHALLENGE, name, of_board)


def answer(secret, name, of_board, of_host):
    """The line of a host."""
    return _seal(ANSWER, of_host, proof(secret, HOST, name, of_board, of_host))


def parse(line, kind, count):
    """The `count` words of a sealed line of a kind; None if it is another line, or damaged."""
    content = wire.unseal(line) if line.startswith(kind) else None  # the check is the most expensive step here
    words = content.split(b" ") if content is not None else ()
    return words[1:-1] if len(words) == count + 2 and words[0] == kind else None


class Lock:
    """The board's side of one connection."""

    def __init__(self, secret, name, of_board):
        self.secret = secret
        self.name = name
        self.of_board = of_board

    of_host = None  # the host's number, once it has proven the secret

    def challenge(self):
        return challenge(self.name, self.of_board)

    def command_key(self):
        return command_key(self.secret, self.name, self.of_board, self.of_host)

    def open(self, line):
        """The reply to a received line: the board's own proof; b"" if the line is no answer, None if it is wrong."""
        words = parse(line, ANSWER, 2)
        if words is None:
            return b""
        of_host, claim = words
        if not same(claim, proof(self.secret, HOST, self.name, self.of_board, of_host)):
            return None
        self.of_host = of_host
        return _seal(PROOF, proof(self.secret, BOARD, self.name, self.of_board, of_host))
