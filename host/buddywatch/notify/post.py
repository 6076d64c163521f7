"""HTTP requests, each in a process that is killed when its time is over: for webhooks and heartbeats."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
from urllib.parse import urlsplit

from buddywatch import __version__
from buddywatch.notify import process
from buddywatch.notify.base import Deadline, NotifyError

SIGNATURE = "X-Buddywatch-Signature"
_ATTEMPT = ("-P", "-m", "buddywatch.notify.post_attempt")
_OUTPUT_MAX_BYTES = 1 << 16


def post(url: str, body: bytes, key: str | None, deadline: Deadline, timeout_s: float) -> None:
    """POST JSON to the URL. key: signs the body (HMAC-SHA-256, in hexadecimal digits). Raises NotifyError."""
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers[SIGNATURE] = "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    _request("POST", url, headers, body, deadline, timeout_s)


def get(url: str, deadline: Deadline, timeout_s: float) -> None:
    """Fetch the URL; the answer is thrown away. Raises NotifyError."""
    _request("GET", url, {}, b"", deadline, timeout_s)


def _request(method: str, url: str, headers: dict[str, str], body: bytes, deadline: Deadline, timeout_s: float) -> None:
    where = f"{method} {_without_secrets(url)}"
    headers = {**headers, "User-Agent": f"buddywatch/{__version__}"}
    job = {"url": url, "method": method, "headers": headers, "timeout_s": timeout_s}
    given = json.dumps(job).encode() + b"\n" + body
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        ended = process.run([sys.executable, *_ATTEMPT], given, deadline, _OUTPUT_MAX_BYTES, env)
    except OSError as error:
        raise NotifyError(f"{where}: {sys.executable} cannot be started: {error.strerror}") from None
    if not ended.output.endswith(b"\n"):
        raise NotifyError(f"{where}: {deadline.reason or ended.how}{ended.complaint}")
    outcome = json.loads(ended.output)
    if outcome:
        raise NotifyError(f"{where}: {outcome['error']}", outcome["permanent"], of_message=outcome["of_message"])


def _without_secrets(url: str) -> str:
    """The URL for people: its path and query may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
