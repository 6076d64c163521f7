"""What the links of several boards have in common: where one cause may be. Pure; no look-up of a name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

_PREFIX_BITS = {4: 24, 6: 64}  # the usual size of one network


def common_to_all(links: Sequence[Sequence[str]]) -> str:
    """What all boards share, in words; "" if nothing. links: the URLs of each board."""
    shared: dict[str, None] = dict.fromkeys(_parts(links[0])) if links else {}
    for urls in links[1:]:
        own = set(_parts(urls))
        shared = dict.fromkeys(part for part in shared if part in own)
    return next(iter(shared), "")


def _parts(urls: Iterable[str]) -> list[str]:
    """What a board depends on, the most specific first."""
    found = [(rank, words) for url in urls for rank, words in enumerate(_parts_of(url))]
    return [words for _, words in sorted(found, key=lambda part: part[0])]


def _parts_of(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return []
    if parts.scheme == "serial":
        return [f"the device {parts.path}", "serial lines of this machine"]
    if not host:
        return []
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        _, _, domain = host.partition(".")
        return [f"the host {host}", *([f"the domain {domain}"] if domain else [])]
    network = ipaddress.ip_network((address, _PREFIX_BITS[address.version]), strict=False)
    return [f"the host {host}", f"the network {network}"]
