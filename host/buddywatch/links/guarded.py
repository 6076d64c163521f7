"""A network link whose other side may have to authenticate: it is up after that."""

from __future__ import annotations

import os
from time import monotonic

from buddyd.talk import secret

from buddywatch.config.board_secrets import BoardSecrets
from buddywatch.config.secret_places import SecretError
from buddywatch.links.base import Link, LinkDown
from buddywatch.protocol.secret_handshake import Handshake, HandshakeError

PROVE_S = 20.0


class Unproven(LinkDown):
    """The other side proved no secret in time: it may be anybody, as often as it likes."""


class GuardedLink:
    """board: the name of the board in the configuration, None if its hello gives the name.

    demanded: drop all input until the board has authenticated. Otherwise authenticate only with boards that ask for
    it; objection() says why the name that a board gives is not acceptable.
    """

    def __init__(self, link: Link, secrets: BoardSecrets, board: str | None, demanded: bool) -> None:
        self.link = link
        self.url = link.url
        self.flows_unasked = link.flows_unasked
        self.takes_requests = link.takes_requests
        self.has_human_side = link.has_human_side
        self.rest_s = float(getattr(link, "rest_s", 0.0))  # after a refusal, if opening the link costs the board memory
        self._secrets = secrets
        self._board = board
        self._demanded = demanded
        self._down: LinkDown | None = None  # raised after everything received before it was read
        self._begin()

    @property
    def up(self) -> bool:
        return self.link.up and (self._handshake.proven is not None or not self._demanded)

    @property
    def wants_write(self) -> bool:
        return self.link.wants_write or (bool(self._handshake.out) and self.link.up)

    @property
    def wake_s(self) -> float:
        return self.link.wake_s

    def fileno(self) -> int | None:
        return self.link.fileno()

    def start(self) -> None:
        self._begin()
        self.link.start()

    def read(self) -> bytes:
        if self._down is not None:
            down, self._down = self._down, None
            raise down
        try:
            text = self._handshake.feed(self.link.read())
            if self._handshake.out:
                self._speak()
        except (HandshakeError, SecretError) as error:
            raise self._refusal(str(error)) from None
        except LinkDown as down:
            return self._ended(down)
        if self._demanded and self._handshake.proven is None and self.link.up:
            self._be_impatient()
        return text

    def write(self, data: bytes) -> int:
        return self.link.write(data) if self.up and not self._handshake.out else 0

    def close(self) -> None:
        self.link.close()

    def command_key(self) -> bytes | None:
        """The key for commands to the board; None where no secret is proven."""
        return self._handshake.command_key()

    def objection(self, claimed: str) -> str | None:
        """Why the other side is not accepted as board `claimed`; None: it is."""
        proven = self._handshake.proven
        if proven is not None:
            known_as = self._board or proven
            return (
                None
                if claimed == known_as
                else f"authentication failed: the peer says it is {claimed!r} but proved the secret of {known_as!r}"
            )
        if self._secrets.has_secret(claimed):
            return f"authentication failed: the peer says it is {claimed!r} but did not prove {claimed}'s secret"
        return None

    def _begin(self) -> None:
        self._handshake = Handshake(self._key_of, self._demanded, bytes(secret.nonce(os.urandom(32))))
        self._since_s: float | None = None

    def _key_of(self, name: str) -> bytes | None:
        return self._secrets.key(self._board or name)

    def _speak(self) -> None:
        out = self._handshake.out
        del out[: self.link.write(bytes(out))]

    def _be_impatient(self) -> None:
        now_s = monotonic()
        if self._since_s is None:
            self._since_s = now_s
        elif now_s - self._since_s > PROVE_S:
            who = f"the secret of {self._board}" if self._board else "a secret"
            why = f"authentication failed: no proof of {who} within {PROVE_S:.0f} s; buddyd there needs --secret-file"
            self.close()
            raise Unproven(f"{self.url}: {why}", self._ends, self.rest_s)

    def _refusal(self, why: str) -> LinkDown:
        self.close()
        return LinkDown(f"{self.url}: {why}", self._ends, self.rest_s)

    @property
    def _ends(self) -> bool:
        return bool(getattr(self.link, "ends", False))

    def _ended(self, down: LinkDown) -> bytes:
        if self._handshake.is_answered:
            refused = f"{self.url}: authentication failed: it rejected our proof; give both sides the same secret"
            down = LinkDown(refused, down.ended, max(down.rest_s, self.rest_s))
        rest = self._handshake.rest()
        if not rest:
            raise down
        self._down = down
        return rest
