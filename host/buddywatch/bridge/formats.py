"""The formats of [[bridge]]: where a request goes, and how samples become its body. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from buddywatch.bridge import influx, remote_write
from buddywatch.bridge.samples import Sample


class Format(NamedTuple):
    """path: of a URL that has none. query: what a URL gets that does not set it, "" for nothing."""

    path: str
    query: str
    headers: Mapping[str, str]
    packed: Callable[[Iterable[Sample]], bytes]

    def target(self, path: str, query: str) -> str:
        """Path and query of a request for those of a URL."""
        name = self.query.partition("=")[0]
        is_set = not name or f"{name}=" in query
        return f"{path or self.path}?{query if is_set else '&'.join(filter(None, (query, self.query)))}".rstrip("?")


FORMATS = {
    "influx": Format("/write", "precision=ms", influx.HEADERS, influx.packed),
    "remote-write": Format("/api/v1/write", "", remote_write.HEADERS, remote_write.packed),
}
