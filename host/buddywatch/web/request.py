"""Reads a request (RFC 9112), within bounds, and writes an answer. Pure: bytes in, values out, and the reverse."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_to_bytes

LINE_MAX, REQUEST_MAX, HEADERS_MAX = 2048, 8192, 64
OK, BAD, NOT_FOUND, METHOD, MISDIRECTED, URI_LONG, HEAD_LONG = 200, 400, 404, 405, 421, 414, 431
FAILED, BUSY = 500, 503
_REASONS = {
    OK: "OK",
    BAD: "Bad Request",
    NOT_FOUND: "Not Found",
    METHOD: "Method Not Allowed",
    MISDIRECTED: "Misdirected Request",
    URI_LONG: "URI Too Long",
    HEAD_LONG: "Request Header Fields Too Large",
    FAILED: "Internal Server Error",
    BUSY: "Service Unavailable",
}
_LINE = re.compile(rb"([A-Z]{1,20}) (/[\x21-\x7e]*) HTTP/1\.([01])")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::[0-9]{1,5})?")
# No script, no foreign content, no frame around it; a page of boards is nobody else's business.
_SAFETY = (
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options: nosniff",
    "Referrer-Policy: no-referrer",
    "Cache-Control: no-store",
)


@dataclass(frozen=True)
class Request:
    """path: decoded, without the query. host: of the Host header, without the port; "" if there is none."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    host: str = ""


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    kind: str = "text/plain; charset=utf-8"

    @classmethod
    def line(cls, status: int, text: str) -> Answer:
        return cls(status, text.encode() + b"\n")


def read_request(data: bytes) -> Request | int | None:
    """The request at the beginning of data; None: there is not enough of it yet; a status: it cannot be answered."""
    line, found, rest = data.partition(b"\r\n")
    if len(line) > LINE_MAX:
        return URI_LONG
    if not found:
        return None
    head, found, _ = rest.partition(b"\r\n\r\n") if not rest.startswith(b"\r\n") else (b"", b"\r\n", b"")
    if len(head) > REQUEST_MAX:
        return HEAD_LONG
    if not found:
        return None
    first, headers = _LINE.fullmatch(line), head.split(b"\r\n") if head else []
    if first is None:
        return BAD
    if len(headers) > HEADERS_MAX:
        return HEAD_LONG
    fields = [_HEADER.fullmatch(header) for header in headers]
    if None in fields:
        return BAD
    hosts = [field[2].decode("latin-1") for field in fields if field is not None and field[1].lower() == b"host"]
    return _request(first[1].decode(), first[2], hosts, first[3] == b"1")


def _request(method: str, target: bytes, hosts: list[str], is_new: bool) -> Request | int:
    if len(hosts) > 1 or (is_new and not hosts):  # RFC 9112, 3.2
        return BAD
    host = _HOST.fullmatch(hosts[0] if hosts else "")
    path, _, query = target.partition(b"?")
    try:
        plain = unquote_to_bytes(path).decode()
        options = tuple(parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=16))
    except ValueError:
        return BAD
    return BAD if host is None else Request(method, plain, options, host[1].lower())


def refusal(request: Request | int, hosts: Iterable[str]) -> Answer | None:
    """Why a request gets no page. hosts: names under which this machine may be addressed; none: any."""
    if isinstance(request, int):
        return Answer.line(request, _REASONS[request])
    if request.method not in ("GET", "HEAD"):
        return Answer.line(METHOD, "this door is read-only: GET and HEAD")
    allowed = tuple(hosts)
    if allowed and request.host and request.host not in allowed:
        # A page of another site whose name leads here must not read what is here (DNS rebinding).
        return Answer.line(MISDIRECTED, "this door answers to localhost only")
    return None


def written(answer: Answer, with_body: bool) -> bytes:
    """The whole answer; the connection ends after it."""
    lines = [
        f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}",
        f"Content-Type: {answer.kind}",
        f"Content-Length: {len(answer.body)}",
        *(["Allow: GET, HEAD"] if answer.status == METHOD else []),
        "Connection: close",
        *_SAFETY,
    ]
    head = "\r\n".join([*lines, "", ""]).encode()
    return head + (answer.body if with_body else b"")
