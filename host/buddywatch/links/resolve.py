"""Looks up a host's addresses without blocking."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from threading import Thread
from typing import Any

from buddywatch.links.base import why

Address = tuple[int, Any]  # family, and what connect() takes, which differs by family


def written_out(host: str, port: int) -> Address | None:
    """The address if host is one already, such as 127.0.0.1 or ::1; None for a name, which needs a look-up."""
    try:
        family = socket.AF_INET if ip_address(host).version == 4 else socket.AF_INET6
    except ValueError:
        return None
    return None if "%" in host else (family, (host, port))  # the number of an interface is looked up as well


class Resolver:
    """Asks in a thread of its own; fileno() is readable when the answer is there."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._answer: list[Address] | str | None = None
        self._done, self._end = socket.socketpair()
        self._done.setblocking(False)
        # A daemon: an unanswered look-up takes up to a minute, and must not keep the program from ending.
        Thread(target=self._look_up, name=f"resolve {host}", daemon=True).start()

    def fileno(self) -> int:
        return self._done.fileno()

    def answer(self) -> list[Address] | str | None:
        """The addresses, or why there are none; None while it is not known."""
        return self._answer

    def close(self) -> None:
        self._done.close()

    def _look_up(self) -> None:
        try:
            found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            self._answer = [(family, address) for family, _, _, _, address in found]
        except OSError as error:
            self._answer = f"cannot find host {self._host}: {why(error)}"
        except UnicodeError:
            self._answer = f"cannot find host {self._host}: not a host name"
        self._end.close()
