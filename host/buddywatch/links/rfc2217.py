"""rfc2217://HOST:PORT?baud=9600: a serial port of a terminal server, with settings by RFC 2217 over telnet."""

from __future__ import annotations

from time import monotonic

from buddyd.links.telnet_filter import escape

from buddywatch.links.tcp import OUT_BYTES, TcpLink

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
BINARY, SUPPRESS_GO_AHEAD, COM_PORT = 0, 3, 44
_AGREED = (BINARY, SUPPRESS_GO_AHEAD, COM_PORT)
_SET_BAUD, _SET_SIZE, _SET_PARITY, _SET_STOP, _SET_CONTROL = 1, 2, 3, 4, 5
_ANSWERED = 100  # the server answers with the command's number and this
_NO_PARITY, _ONE_STOP, _NO_FLOW_CONTROL = 1, 1, 1
_DTR, _RTS = (9, 8), (12, 11)  # off, on
SUB_MAX = 256
SETTLED_S = 10.0


class ComPort:
    """The telnet options of one connection. baud: as the server has set it; None before its answer."""

    def __init__(self) -> None:
        self.baud: int | None = None
        self.is_refused = False
        self.replies = bytearray()
        self._state = 0  # the command that the next byte belongs to; 0: none, IAC: the command itself
        self._sub: bytearray | None = None  # of a subnegotiation
        self._sent: set[tuple[int, int]] = set()

    def open(self, baud: int, dtr: bool, rts: bool) -> bytes:
        """The first bytes to send."""
        self._sent = {(WILL, BINARY), (DO, BINARY), (DO, SUPPRESS_GO_AHEAD), (WILL, COM_PORT)}
        out = b"".join(bytes((IAC, verb, option)) for verb, option in sorted(self._sent))
        settings = ((_SET_SIZE, 8), (_SET_PARITY, _NO_PARITY), (_SET_STOP, _ONE_STOP))
        controls = (_NO_FLOW_CONTROL, _DTR[dtr], _RTS[rts])
        out += b"".join(_command(number, bytes((value,))) for number, value in settings)
        out += b"".join(_command(_SET_CONTROL, bytes((value,))) for value in controls)
        return out + _command(_SET_BAUD, baud.to_bytes(4, "big"))

    def feed(self, data: bytes) -> bytes:
        """The serial line's bytes in data."""
        text = bytearray()
        for byte in data:
            if self._state == IAC:
                self._state = self._command(byte, text)
            elif self._state:
                self._option(self._state, byte)
                self._state = 0
            elif byte == IAC:
                self._state = IAC
            elif self._sub is not None:
                self._sub += bytes((byte,)) if len(self._sub) < SUB_MAX else b""
            else:
                text.append(byte)
        return bytes(text)

    def _command(self, byte: int, text: bytearray) -> int:
        """The state after IAC and byte."""
        if byte in (DO, DONT, WILL, WONT):
            return byte
        if byte == SB:
            self._sub = bytearray()
        elif byte == SE and self._sub is not None:
            self._take_sub(bytes(self._sub))
            self._sub = None
        elif byte == IAC:
            (text if self._sub is None else self._sub).append(IAC)
        return 0

    def _option(self, verb: int, option: int) -> None:
        if option == COM_PORT and verb in (DONT, WONT):
            self.is_refused = True
        if verb not in (DO, WILL):
            return
        yes, no = (WILL, WONT) if verb == DO else (DO, DONT)
        answer = yes if option in _AGREED else no
        if (answer, option) not in self._sent:  # RFC 1143: never repeat an answer, so that there is no loop
            self._sent.add((answer, option))
            if len(self.replies) < OUT_BYTES:
                self.replies += bytes((IAC, answer, option))

    def _take_sub(self, sub: bytes) -> None:
        if sub[:2] == bytes((COM_PORT, _ANSWERED + _SET_BAUD)) and len(sub) == 6:
            self.baud = int.from_bytes(sub[2:], "big")


def _command(number: int, value: bytes) -> bytes:
    return bytes((IAC, SB, COM_PORT, number)) + bytes(escape(value)) + bytes((IAC, SE))


class Rfc2217Link(TcpLink):
    """dtr, rts: whether these lines are asserted."""

    flows_unasked = True

    def __init__(self, url: str, host: str, port: int, baud: int, dtr: bool = True, rts: bool = True) -> None:
        super().__init__(url, host, port)
        self._settings = (baud, dtr, rts)
        self._com = ComPort()
        self._asked_s = 0.0  # when the settings were sent, 0 before

    @property
    def up(self) -> bool:
        return super().up and self._com.baud is not None

    def start(self) -> None:
        super().start()
        self._com, self._asked_s = ComPort(), 0.0

    def read(self) -> bytes:
        text = super().read()
        if not super().up:
            return text
        if not self._asked_s:
            self._asked_s = monotonic()
            self._out += self._com.open(*self._settings)
        com, baud = self._com, self._settings[0]
        if com.is_refused or (com.baud is None and monotonic() - self._asked_s > SETTLED_S):
            raise self._gone("no RFC 2217 on this port; use telnet:// or tcp:// and set the speed on the server")
        if com.baud not in (None, baud):
            raise self._gone(f"the server cannot run this port at {baud} baud, it says {com.baud}")
        return text

    def write(self, data: bytes) -> int:
        return super().write(data) if self.up else 0

    def _encode(self, data: bytes) -> bytes:
        return bytes(escape(data))

    def _decode(self, data: bytes) -> bytes:
        text = self._com.feed(data)
        self._out += self._com.replies
        self._com.replies.clear()
        return text
