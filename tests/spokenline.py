"""A link to a board over which a test says what it likes."""

import socket

from waiting import DEADLINE_S


class Line:
    """tcp:// with the board's end in the test."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(DEADLINE_S)
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"

    def accept(self) -> None:
        self._peer = self._listener.accept()[0]

    def say(self, *lines: list[bytes]) -> None:
        self._peer.sendall(b"".join(bytes(line) + b"\n" for some in lines for line in some))

    def close(self) -> None:
        self._peer.close()
        self._listener.close()
