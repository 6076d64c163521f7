"""telnet://USER@HOST/?login=file:PATH&exec=COMMAND: a link behind a login."""

from __future__ import annotations

from time import monotonic

from buddywatch.config.link_secret import Secret
from buddywatch.config.secret_places import SecretError
from buddywatch.links.base import Link, LinkDown, LinkError
from buddywatch.links.dialog import Login, LoginError

# Every login starts a program or two on the board, which is exactly what fails when its memory is fragmented.
REST_S = 10.0
REJECTED_REST_S = 900.0
_HIDDEN = b"***"


class LoginLink:
    """Logs in over another link, types a command if there is one, and then behaves like that link.

    start_inside: what to type after the login, b"" for nothing.
    """

    flows_unasked = False
    takes_requests = has_human_side = True
    rest_s = REJECTED_REST_S  # after the board behind it was not accepted

    def __init__(self, link: Link, user: str | None, secret: Secret | None, start_inside: bytes = b"") -> None:
        self.url = link.url
        self._link = link
        self._user = user
        self._secret = secret
        self._start_inside = start_inside
        self._login: Login | None = None  # during the login
        self._hidden = b""  # the secret, to remove its echo; b"" afterwards
        self._inside = False
        self._typing = bytearray()  # not yet accepted by the link

    @property
    def up(self) -> bool:
        return self._inside and self._link.up

    @property
    def wants_write(self) -> bool:
        return self._link.wants_write or (self._link.up and bool(self._typing))

    @property
    def wake_s(self) -> float:
        return self._link.wake_s

    def fileno(self) -> int | None:
        return self._link.fileno()

    def start(self) -> None:
        self.close()
        secret = None
        try:
            secret = self._secret.read() if self._secret is not None else None
        except SecretError as error:
            raise LinkError(f"{self.url}: {error}") from None
        self._link.start()
        self._hidden = (secret or "").encode()

    def read(self) -> bytes:
        """Call it several times a second until up: a prompt is recognised by the silence after it."""
        try:
            data = self._link.read()
            self.type(b"")
            if self._inside or not self._link.up:
                return data if self._inside else b""
            return self._log_in(data, monotonic())
        except LinkDown as down:
            if self._login is not None and self._login.sounds_rejected:
                raise self._refused(self._login.rejection) from None
            self.close()
            raise LinkDown(down.reason, down.ended, REST_S) from None
        except LoginError as error:
            self.close()
            raise self._refused(error) from None

    def write(self, data: bytes) -> int:
        self.type(b"")
        return self._link.write(data) if self._inside and not self._typing else 0

    def type(self, data: bytes) -> None:
        """Send it now, or as soon as the link accepts it. LinkDown."""
        self._typing += data
        if self._typing:
            del self._typing[: self._link.write(bytes(self._typing))]

    def close(self) -> None:
        self._link.close()
        self._login, self._hidden, self._inside = None, b"", False
        self._typing.clear()

    def _refused(self, error: LoginError) -> LinkDown:
        self.close()
        if not error.rejected:
            return LinkDown(f"{self.url}: {error}", rest_s=REST_S)
        again = f"it is tried again in {REJECTED_REST_S / 60:.0f} minutes"
        return LinkDown(f"{self.url}: {error}; {again}", rest_s=REJECTED_REST_S)

    def _log_in(self, data: bytes, now_s: float) -> bytes:
        if self._login is None:
            self._login = Login(self._user, self._hidden.decode() or None, now_s)
        login = self._login
        login.feed(data, now_s)
        self.type(login.step(now_s))
        if not login.done:
            return b""
        self.type(self._start_inside)
        heard = login.heard.replace(self._hidden, _HIDDEN) if self._hidden else login.heard
        self._login, self._hidden, self._inside = None, b"", True
        return heard
