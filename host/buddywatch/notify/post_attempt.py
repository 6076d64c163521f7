"""One HTTP request. A program: `python -m buddywatch.notify.post_attempt`; see smtp.py for why it is a process.

Standard input: a line of JSON with the URL, the method, headers and the time limit, then the body. Standard output: a
line of JSON with the outcome. A redirection is not followed: it would take the message somewhere else.
"""

from __future__ import annotations

import http.client
import json
import signal
import ssl
import sys
from typing import Any
from urllib.parse import urlsplit

from buddywatch.text.escape import one_line

_ORPHAN_S = 10  # how long an attempt outlives its time limit if its parent died and cannot kill it
_AGAIN = (408, 425, 429)  # replies of 4xx that ask to try again (RFC 9110, RFC 8470, RFC 6585)
_OF_MESSAGE = (400, 413, 415, 422)  # the server does not like this body


def main() -> None:
    head, _, body = sys.stdin.buffer.read().partition(b"\n")
    job = json.loads(head)
    signal.alarm(int(job["timeout_s"]) + _ORPHAN_S)
    try:
        outcome = _request(job, body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        permanent = isinstance(error, ssl.SSLCertVerificationError)
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        outcome = {"error": one_line(f"cannot be reached ({reason})"), "permanent": permanent, "of_message": False}
    print(json.dumps(outcome))


def _request(job: dict[str, Any], body: bytes) -> dict[str, Any]:
    parts = urlsplit(job["url"])
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=job["timeout_s"])
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request(job["method"], path, body or None, job["headers"])
    response = connection.getresponse()
    status = response.status
    if 200 <= status < 300:
        return {}
    permanent = 300 <= status < 500 and status not in _AGAIN
    text = one_line(f"answered {status} {response.reason}")
    return {"error": text, "permanent": permanent, "of_message": status in _OF_MESSAGE}


if __name__ == "__main__":
    main()
