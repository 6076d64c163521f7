"""Asks an engine that speaks VictoriaMetrics' query language, by Prometheus' HTTP API."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from buddywatch import __version__
from buddywatch.config.bridges import FleetEngine
from buddywatch.links.base import LinkError
from buddywatch.text.escape import one_line

ANSWER_MAX_BYTES = 256 << 20  # 10,000 boards of 2 needs are about 40 MB
_SAID_MAX_BYTES = 4096


class Value(NamedTuple):
    labels: dict[str, str]
    value: float


class Course(NamedTuple):
    """points: (seconds since 1970, value), oldest first."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class Engine:
    """Every error is a LinkError of one line, without a token in it."""

    def __init__(self, settings: FleetEngine) -> None:
        self._settings = settings
        parts = urlsplit(settings.url)
        self.where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def values(self, query: str, at: float) -> list[Value]:
        """The value of each series at that time."""
        found = []
        for labels, one in self._result("query", {"query": query, "time": f"{at:.3f}", "nocache": "1"}, "value"):
            found.append(Value(labels, float(one[1])))
        return found

    def courses(self, query: str, since: float, until: float, step_s: float) -> list[Course]:
        """The values of each series at since, since + step_s and so on."""
        times = {"start": f"{since:.3f}", "end": f"{until:.3f}", "step": f"{step_s:.0f}s", "nocache": "1"}
        found = []
        for labels, points in self._result("query_range", {"query": query, **times}, "values"):
            found.append(Course(labels, [(float(at_s), float(value)) for at_s, value in points]))
        return found

    def samples(self, query: str, at: float) -> list[Course]:
        """Of a selector with a time in brackets: what is stored, as it is."""
        found = []
        for labels, points in self._result("query", {"query": query, "time": f"{at:.3f}", "nocache": "1"}, "values"):
            found.append(Course(labels, [(float(at_s), float(value)) for at_s, value in points]))
        return found

    def now(self) -> float:
        return time.time()

    def _result(self, path: str, form: dict[str, str], key: str) -> Iterator[tuple[dict[str, str], Any]]:
        try:
            answer = json.loads(self._ask(path, form))
            for series in answer["data"]["result"]:
                yield series["metric"], series[key]
        except (ValueError, KeyError, TypeError, IndexError):
            raise LinkError(f"{self.where} gave no answer of a Prometheus HTTP API; see [fleet] url") from None

    def _ask(self, path: str, form: dict[str, str]) -> bytes:
        base = self._settings.url.rstrip("/")
        request = urllib.request.Request(f"{base}/api/v1/{path}", urlencode(form).encode())
        request.add_header("User-Agent", f"buddywatch/{__version__}")
        token = self._settings.token()
        if token:
            request.add_header("Authorization", f"{self._settings.scheme} {token}")
        try:
            with self._opener().open(request, timeout=self._settings.timeout_s) as answer:
                data: bytes = answer.read(ANSWER_MAX_BYTES + 1)
        except urllib.error.HTTPError as error:
            with error:
                said = one_line(error.read(_SAID_MAX_BYTES).decode("utf-8", "replace").strip(), 200)
            raise LinkError(f"{self.where} answered {error.code}{': ' if said else ''}{said}") from None
        except (OSError, urllib.error.URLError, ValueError) as error:
            why = getattr(error, "reason", None) or error
            why = getattr(why, "strerror", None) or str(why) or type(why).__name__
            raise LinkError(f"{self.where} cannot be reached ({one_line(str(why), 120)})") from None
        if len(data) > ANSWER_MAX_BYTES:
            raise LinkError(f"{self.where} answered more than {ANSWER_MAX_BYTES >> 20} MB; ask for one --site")
        return data

    def _opener(self) -> urllib.request.OpenerDirector:
        """No redirection: a token goes nowhere but where the configuration says."""
        ca_file = self._settings.ca_file
        context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
        return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirect)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None
