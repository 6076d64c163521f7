"""Login on a terminal: what to type at each prompt, and when the login has failed. Pure; the caller passes the time.

Text counts as a prompt only if nothing follows it for a moment: `Last login: ...` in a greeting is not a prompt, and
login programs turn echo off and drop typed-ahead input just after they print `Password: `.
"""

from __future__ import annotations

import re

from buddyd import wire

SETTLE_S = 0.4
NUDGE_S = 5.0
NUDGES_MAX = 5
LOGIN_S = 90.0  # a slow board, with a name server that does not answer
KEPT = 8192
_ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]|[\r\0\x07\x08]")
_NAME = re.compile(rb"(?:login|user(?: ?name)?) ?: ?$", re.IGNORECASE)
_SECRET = re.compile(rb"(?:password|passphrase|passcode)[^:\n]{0,40}: ?$", re.IGNORECASE)
_ASKS = re.compile(rb"(?:password|passphrase|passcode)[^:\n]{0,40}:", re.IGNORECASE)
_PROMPT = re.compile(rb"[#$>%] ?$")
_REJECTED = re.compile(rb"incorrect|fail|denied|invalid|bad password|not allowed", re.IGNORECASE)


class LoginError(Exception):
    """One line. rejected: the board refused the login, so trying again is useless until something was changed."""

    def __init__(self, text: str, rejected: bool = False) -> None:
        super().__init__(text)
        self.rejected = rejected


class Login:
    """user, secret: None if the link has none. done: the login is over."""

    def __init__(self, user: str | None, secret: str | None, now_s: float) -> None:
        self.done = False
        self.heard = b""  # received since the last typed input
        self._user = user
        self._secret = secret
        self._typed_name = self._typed_secret = False
        self._nudges = 0
        self._began_s = self._heard_s = self._typed_s = now_s

    def feed(self, data: bytes, now_s: float) -> None:
        if data:
            self._heard_s = now_s
            self.heard = (self.heard + data)[-KEPT:]

    @property
    def sounds_rejected(self) -> bool:
        """True if the answer to the secret looks like a rejection."""
        return self._typed_secret and bool(_REJECTED.search(self.heard))

    @property
    def rejection(self) -> LoginError:
        return LoginError(f"the board rejects the login of {self._user or 'no name'}", rejected=True)

    @property
    def wakes_at_s(self) -> float:
        """When step() should be called if nothing is received before."""
        return max(self._heard_s, self._typed_s) + SETTLE_S

    def step(self, now_s: float) -> bytes:
        """The bytes to type now, b"" for none. LoginError."""
        text = _ESCAPES.sub(b"", self.heard)
        if _has_frame(text):
            self.done = True
            return b""
        if now_s - self._heard_s < SETTLE_S:
            return b""
        tail = text[text.rfind(b"\n") + 1 :]
        if _NAME.search(tail):
            return self._at_name(now_s)
        if _SECRET.search(tail):
            return self._at_secret(now_s)
        if _PROMPT.search(tail):
            self.done = True
            return b""
        return self._at_nothing(text, now_s)

    def _at_name(self, now_s: float) -> bytes:
        if self._typed_secret or self._typed_name:
            raise self.rejection
        if self._user is None:
            raise LoginError("the board asks for a name; write it into the link, as in telnet://USER@HOST", True)
        self._typed_name = True
        return self._type(self._user, now_s)

    def _at_secret(self, now_s: float) -> bytes:
        if self._typed_secret:
            raise self.rejection
        if self._user is not None and not self._typed_name:
            return self._nudge(now_s)  # of a login that was begun before on this console
        if self._secret is None:
            raise LoginError("the board asks for a password; name it with login=file:PATH or login=env:NAME", True)
        self._typed_secret = True
        return self._type(self._secret, now_s)

    def _at_nothing(self, text: bytes, now_s: float) -> bytes:
        quiet_s = now_s - max(self._heard_s, self._typed_s)
        if quiet_s >= NUDGE_S and self.sounds_rejected:
            raise self.rejection
        if quiet_s >= NUDGE_S and self._is_inside(text):
            self.done = True
        elif now_s - self._began_s > LOGIN_S:
            raise LoginError(f"no login prompt within {LOGIN_S:.0f} s")
        elif quiet_s >= NUDGE_S and self._typed_name and not self._typed_secret and _ASKS.search(text):
            return self._at_secret(now_s)  # a message of the kernel followed the prompt
        elif quiet_s >= NUDGE_S and not self._typed_name and self._nudges < NUDGES_MAX:
            return self._nudge(now_s)
        return b""

    def _is_inside(self, text: bytes) -> bool:
        """True if text after which nothing followed may be a prompt of an unusual form."""
        echo = (self._user or "").encode() if self._typed_name and not self._typed_secret else b""
        is_text = text.strip() not in (b"", echo) and not _ASKS.search(text)
        return is_text and (self._typed_name or self._typed_secret or self._nudges >= 3)

    def _nudge(self, now_s: float) -> bytes:
        self._nudges += 1
        return self._type("", now_s)

    def _type(self, line: str, now_s: float) -> bytes:
        self.heard = b""
        self._typed_s = now_s
        return line.encode() + b"\n"


def _has_frame(text: bytes) -> bool:
    """True if frames of buddyd arrive already."""
    at = text.find(wire.MARK)
    while at >= 0:
        end = text.find(b"\n", at)
        if end < 0:
            return False
        if wire.unseal(text[at:end].rstrip()) is not None:
            return True
        at = text.find(wire.MARK, at + 1)
    return False
