"""The engine's HTTP door: one request after the other over one connection."""

from __future__ import annotations

import http.client
import ssl
from contextlib import suppress
from urllib.parse import urlsplit

from buddywatch import __version__
from buddywatch.bridge.formats import FORMATS
from buddywatch.config.bridges import Bridge
from buddywatch.text.escape import one_line

_OF_BODY = (400, 413, 422)  # the engine does not take this body; a smaller one, or another, it may
_ANSWER_MAX_BYTES = 4096


class DoorError(Exception):
    """The body was not taken. after_s: when the engine wants to be asked again, if it says so."""

    def __init__(self, text: str, after_s: float | None = None) -> None:
        super().__init__(text)
        self.after_s = after_s


class BodyRefused(DoorError):
    """The engine is there, and does not take what is in this body."""


class Door:
    """Not for several threads. What it raises has no secret in it."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        parts = urlsplit(bridge.url)
        self._address = (parts.hostname or "", parts.port)
        self._is_tls = parts.scheme == "https"
        self._where = (
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"  # without path and query: a token may be there
        )
        form = FORMATS[bridge.format]
        self._target = form.target(parts.path, parts.query)
        self._headers = {**form.headers, "User-Agent": f"buddywatch/{__version__}"}
        self._connection: http.client.HTTPConnection | None = None
        self.cuts = 0  # connections that ended although the engine had not said so
        self.sent_bytes = 0  # of bodies, as they went over the line

    def post(self, body: bytes) -> None:
        """Send it. DoorError; also if what became of it is not known."""
        headers = dict(self._headers)
        token = self._bridge.token()
        if token:
            headers["Authorization"] = f"{self._bridge.scheme} {token}"
        try:
            status, reason, after, answer = self._exchange(body, headers)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise DoorError(f"{self._where} cannot be reached ({one_line(why, 120)})") from None
        self.sent_bytes += len(body)
        if 200 <= status < 300:
            return
        said = one_line(answer.decode("utf-8", "replace").strip(), 160)
        text = f"{self._where} answered {status} {one_line(reason, 60)}{': ' if said else ''}{said}"
        if status in _OF_BODY:
            raise BodyRefused(text)
        raise DoorError(text, _seconds(after))

    def _exchange(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, str, bytes]:
        is_new = self._connection is None
        try:
            return self._ask(body, headers)
        except (ConnectionError, http.client.RemoteDisconnected):
            self.close()
            self.cuts += 1
            if is_new:
                raise
            return self._ask(body, headers)  # the engine may close a connection that nobody uses; nothing is lost twice

    def _ask(self, body: bytes, headers: dict[str, str]) -> tuple[int, str, str, bytes]:
        if self._connection is None:
            self._connection = self._opened()
        self._connection.request("POST", self._target, body, headers)
        response = self._connection.getresponse()
        answer = response.read(_ANSWER_MAX_BYTES)
        if response.isclosed() is False or response.will_close:
            self.close()  # a long answer is not read to its end
        return response.status, response.reason, response.headers.get("Retry-After", ""), answer

    def _opened(self) -> http.client.HTTPConnection:
        host, port = self._address
        if not self._is_tls:
            return http.client.HTTPConnection(host, port, timeout=self._bridge.timeout_s)
        ca_file = self._bridge.ca_file
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        return http.client.HTTPSConnection(host, port, timeout=self._bridge.timeout_s, context=context)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(OSError):
                connection.close()


def _seconds(text: str) -> float | None:
    """Retry-After, where it is a number (RFC 9110, 10.2.3)."""
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 6 else None
