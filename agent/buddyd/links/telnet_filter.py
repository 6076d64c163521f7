"""Telnet's network virtual terminal, the passive half: no option is ever on, no I/O.

RFC 854 (commands, CR LF and CR NUL), RFC 855 (options), RFC 1143 (never answer WONT or DONT, so there can be no loop).
A client that asks for TIMING-MARK (RFC 860) discards all output until it is answered: inetutils' telnet does so after
Ctrl-C. Both ends of a telnet link use this filter; it accepts bytes in chunks of any size.
"""

from .. import const

IAC = const(255)
_DONT = const(254)
_DO = const(253)
_WONT = const(252)
_WILL = const(251)
_SB = const(250)
_AYT = const(246)
_SE = const(240)

# States: what the next byte is.
_TEXT = const(0)
_COMMAND = const(1)
_REFUSE_WITH_WONT = const(2)
_REFUSE_WITH_DONT = const(3)
_SKIP_OPTION = const(4)
_SUB = const(5)
_SUB_IAC = const(6)
_CR = const(7)


class TelnetFilter:
    """Turns the bytes of a telnet peer into text; line ends become LF (CR LF, CR NUL and CR alike)."""

    def __init__(self):
        self.state = _TEXT

    def feed(self, data, reply):
        """The text in data (bytes); reply(bytes) is called with each answer to the peer."""
        state = self.state
        if state == _TEXT and data.find(b"\xff") < 0 and data.find(b"\r") < 0:
            return bytes(data)
        text = bytearray()
        for byte in data:
            if state == _CR:
                state = _TEXT
                if byte == 10 or byte == 0:
                    continue
            if state == _TEXT:
                if byte == IAC:
                    state = _COMMAND
                elif byte == 13:
                    text.append(10)
                    state = _CR
                else:
                    text.append(byte)
            elif state == _COMMAND:
                state = self._command(byte, text, reply)
            elif state == _SUB:
                if byte == IAC:
                    state = _SUB_IAC
            elif state == _SUB_IAC:
                state = _TEXT if byte == _SE else _SUB
            else:
                if state == _REFUSE_WITH_WONT:
                    reply(bytes((IAC, _WONT, byte)))
                elif state == _REFUSE_WITH_DONT:
                    reply(bytes((IAC, _DONT, byte)))
                state = _TEXT
        self.state = state
        return bytes(text)

    def _command(self, byte, text, reply):
        if byte == _DO:
            return _REFUSE_WITH_WONT
        if byte == _WILL:
            return _REFUSE_WITH_DONT
        if byte == _DONT or byte == _WONT:
            return _SKIP_OPTION
        if byte == _SB:
            return _SUB
        if byte == IAC:
            text.append(IAC)
        elif byte == _AYT:
            reply(b"[yes]\r\n")
        return _TEXT


def escape(data):
    """data as it must be sent: IAC doubled."""
    return data.replace(b"\xff", b"\xff\xff")
