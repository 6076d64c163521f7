"""One attempt to send one mail by SMTP (RFC 5321): in clear text, with STARTTLS (RFC 3207) or TLS at once (RFC 8314).

A program: `python -m buddywatch.notify.smtp_attempt`. Standard input: a line of JSON with the settings and the
password, then the mail. Standard output: a line of JSON for each line of the conversation, then one for the outcome.

The only module that uses smtplib. It avoids two habits of smtplib: starttls() without a context accepts any certificate
(measured, Python 3.11 to 3.14), and it asks the DNS for this machine's name.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import signal
import smtplib
import socket
import ssl
import sys
from contextlib import suppress
from typing import Any

from buddywatch.text.escape import one_line

_HIDDEN = "***"
_DIALOGUE_LINES = 200  # a server that never stops talking must not fill the memory
_HOST_NAME = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_ORPHAN_S = 10  # how long an attempt outlives its time limit if its parent died and cannot kill it


class _Refusal(Exception):
    """We end the attempt. permanent: every attempt would end so until the user changes something."""


def main() -> None:
    head, _, message = sys.stdin.buffer.read().partition(b"\n")
    job = json.loads(head)
    signal.alarm(int(job["timeout_s"]) + _ORPHAN_S)  # SIGALRM ends the process, whatever it waits for
    dialogue = _Dialogue()
    where = f"mail server {job['server']}:{job['port']}"
    try:
        context = None if job["security"] == "none" else _tls_context(job["ca_file"])
        client = _Client(job, context, dialogue)
        refused = _converse(client, job, message, context)
    except _Refusal as refusal:
        _report(error=str(refusal), permanent=True, of_message=False)
    except (OSError, ValueError) as error:  # SMTPException and SSLError are OSErrors; ValueError: nonsense in AUTH
        text, permanent = _explained(error)
        of_message = isinstance(error, smtplib.SMTPRecipientsRefused | smtplib.SMTPDataError)
        _report(error=dialogue.without_secrets(f"{where}: {text}"), permanent=permanent, of_message=of_message)
    else:
        replies = {one: dialogue.without_secrets(_reply(*reply)) for one, reply in refused.items()}
        later = {one: reply for one, reply in replies.items() if refused[one][0] < 500}
        _report(later=later, refused={one: reply for one, reply in replies.items() if one not in later})
        with suppress(OSError, ValueError):  # the server has accepted the mail: a failed QUIT changes nothing
            client.quit()


def _report(**what: Any) -> None:
    """Write it at once: this process may be killed at any time."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _converse(
    client: _Client, job: dict[str, Any], message: bytes, context: ssl.SSLContext | None
) -> dict[str, tuple[int, bytes]]:
    client.local_hostname = _own_name(client)
    if job["security"] == "starttls":
        client.starttls(context=context)
    if job["user"] is not None:
        _log_in(client, job)
    return client.sendmail(job["sender"], job["to"], message)


def _log_in(client: _Client, job: dict[str, Any]) -> None:
    peer, user, password = client.peer_address(), job["user"], job["password"]
    in_clear = job["security"] == "none" and not job["allow_clear_login"]
    if in_clear and not ipaddress.ip_address(peer).is_loopback:
        raise _Refusal(
            f"mail server {job['server']} is at {peer}, and user and password would go there in clear text; set "
            'security = "starttls" or "tls" in [mail], or allow_clear_login = true'
        )
    if not (user + password).isascii():
        raise _Refusal("[mail]: user and password must be ASCII to log in to a mail server")
    client.ehlo_or_helo_if_needed()  # login() would send it as well, but it would be missing from the dialogue
    client.dialogue.hide(user, password)
    client.login(user, password)
    client.dialogue.login_is_over()


class _Dialogue:
    """Reports the conversation, for the user who must find out why mail fails. Without secrets."""

    def __init__(self) -> None:
        self._count = 0
        self._secrets: list[str] = []
        self._logging_in = False

    def hide(self, user: str, password: str) -> None:
        """From now on, hide the login, and the password in replies that repeat it."""
        self._logging_in = True
        plain = f"\0{user}\0{password}"  # RFC 4616
        self._secrets = [password, *(base64.b64encode(text.encode()).decode() for text in (password, plain))]

    def login_is_over(self) -> None:
        self._logging_in = False

    def sent(self, command: str) -> None:
        if self._logging_in:
            verb, _, rest = command.partition(" ")
            command = f"{verb} {rest.partition(' ')[0]} {_HIDDEN}" if verb == "AUTH" else _HIDDEN
        self._note(f"C: {command}")

    def received(self, code: int, text: bytes) -> None:
        for line in text.splitlines() or [b""]:
            self._note(f"S: {code} {line.decode('ascii', 'replace')}")

    def without_secrets(self, text: str) -> str:
        for secret in filter(None, self._secrets):
            text = text.replace(secret, _HIDDEN)
        return text

    def _note(self, text: str) -> None:
        self._count += 1
        if self._count <= _DIALOGUE_LINES:
            _report(said=one_line(self.without_secrets(text)))


class _Client(smtplib.SMTP):
    """smtplib's client, with a connection from _dial(), and the whole conversation reported."""

    def __init__(self, job: dict[str, Any], context: ssl.SSLContext | None, dialogue: _Dialogue) -> None:
        self.dialogue = dialogue
        self._timeout_s = float(job["timeout_s"])
        self._tls_at_once = context if job["security"] == "tls" else None
        super().__init__(job["server"], job["port"], local_hostname="localhost")

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        """Overridden as in smtplib.LMTP; SMTP_SSL would wait for one address without a time limit."""
        sock = _dial(host, port, self._timeout_s)
        if self._tls_at_once is not None:
            sock = self._tls_at_once.wrap_socket(sock, server_hostname=host)
        self.sock = sock
        self.file = None
        return self.getreply()

    def peer_address(self) -> str:
        assert self.sock is not None
        return str(self.sock.getpeername()[0])

    def own_address(self) -> str:
        assert self.sock is not None
        return str(self.sock.getsockname()[0])

    def putcmd(self, cmd: str, args: str = "") -> None:
        self.dialogue.sent(f"{cmd} {args}" if args else cmd)
        super().putcmd(cmd, args)

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()
        self.dialogue.received(code, text)
        return code, text


def _own_name(client: _Client) -> str:
    """Our name in EHLO: the host's full name, else our address (RFC 5321, 4.1.3). Never asks the DNS."""
    name = socket.gethostname()
    if _HOST_NAME.fullmatch(name):
        return name
    address = client.own_address().partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    """A context that verifies certificate and name."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # SSLError is one
        reason = "no certificates in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        raise _Refusal(f"[mail] ca_file: {ca_file}: {reason}") from None


def _dial(host: str, port: int, timeout_s: float) -> socket.socket:
    """Connects to the first address that answers; each gets a share of the time, so that one is left for the next."""
    failure: OSError = OSError("has no address")
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(timeout_s / len(addresses))
        try:
            sock.connect(address)
            sock.settimeout(None)  # from here on only the time limit of the whole attempt counts
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def _explained(error: Exception) -> tuple[str, bool]:
    """(what went wrong and what to do, whether it will stay so) for what smtplib, ssl and socket raise."""
    if isinstance(error, ssl.SSLError):
        return _tls_explained(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        replies = error.recipients
        return f"every recipient refused: {_refusals(replies)}", all(code >= 500 for code, _ in replies.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply_explained(error)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        lacks = "STARTTLS" if "STARTTLS" in str(error) else "login (AUTH)" if "AUTH" in str(error) else "this"
        return f"does not offer {lacks}; nothing was sent. Look at port, security and user in [mail]", True
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "closed the connection in the middle of the conversation", False
    if isinstance(error, smtplib.SMTPException):
        return one_line(str(error)), True
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"its name has no address ({_reason(error)})", False
    if isinstance(error, ValueError):
        return f"sent something that is no reply ({_reason(error)})", False
    return f"cannot be reached ({_reason(error)})", False


def _tls_explained(error: ssl.SSLError) -> tuple[str, bool]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not accepted: {one_line(error.verify_message).rstrip('.')}. "
            "Nothing was sent. Name the server as "
            "its certificate does, or name the file with its authority's certificate with ca_file in [mail]",
            True,
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "closed the connection during the TLS handshake", False
    what = one_line((error.reason or str(error)).replace("_", " ").lower())
    return f'TLS failed: {what}. Port 465 expects security = "tls", port 587 "starttls"', True


def _reply_explained(error: smtplib.SMTPResponseException) -> tuple[str, bool]:
    if not 200 <= error.smtp_code <= 599:
        return "what answers there does not speak SMTP; look at server and port in [mail]", False
    said = _reply(error.smtp_code, error.smtp_error)
    permanent = error.smtp_code >= 500
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"login refused: {said}. Look at user and password_file or password_env in [mail]", permanent
    if isinstance(error, smtplib.SMTPSenderRefused):
        return f"sender {error.sender} refused: {said}", permanent
    return f"answered {said}", permanent


def _refusals(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{recipient}: {_reply(*reply)}" for recipient, reply in refused.items())


def _reply(code: int, text: bytes | str) -> str:
    return one_line(f"{code} {text.decode('ascii', 'replace') if isinstance(text, bytes) else text}")


def _reason(error: Exception) -> str:
    return one_line(getattr(error, "strerror", None) or str(error) or type(error).__name__)


if __name__ == "__main__":
    main()
