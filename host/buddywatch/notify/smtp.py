"""Mail by SMTP (RFC 5321), in clear text, with STARTTLS (RFC 3207) or over TLS from the start (RFC 8314).

The one module that uses smtplib. Three habits of smtplib are not ours: its timeout counts anew with every read (see
base.Deadline), its starttls() without a context accepts any certificate (measured, Python 3.11 to 3.14), and it asks
the DNS for this machine's name.
"""

from __future__ import annotations

import base64
import ipaddress
import queue
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from email.message import EmailMessage

from buddywatch.config.load import ConfigError, Mail
from buddywatch.notify.base import Deadline, NotifyError
from buddywatch.notify.text import one_line

_HIDDEN = "***"
_DIALOGUE_LINES = 200  # a server that never stops talking must not fill the memory
_HOST_NAME = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def send(mail: Mail, message: EmailMessage, deadline: Deadline) -> str:
    """Hand message over to mail.server. Returns "" or, where some recipients were refused, one line that says which.

    Raises NotifyError: nothing was sent, or nobody knows whether it was (the connection broke after the text).
    """
    dialogue = _Dialogue()
    try:
        context = None if mail.security == "none" else _tls_context(mail)
        with ExitStack() as stack:
            client = _Client(mail, deadline, dialogue, context, stack)
            refused = _converse(client, mail, message, context)
            with suppress(OSError):  # the server has taken the message: a failed good-bye changes nothing
                client.quit()
    except NotifyError as error:
        raise NotifyError(str(error), error.permanent, dialogue.lines) from None
    except (OSError, ValueError) as error:  # SMTPException and SSLError are OSErrors; ValueError: nonsense in AUTH
        where = f"mail server {mail.server}:{mail.smtp_port()}"
        if deadline.reason is not None:
            last = f" (last: {dialogue.lines[-1]})" if dialogue.lines else " (it never spoke)"
            raise NotifyError(f"{where}: {deadline.reason}{last}", False, dialogue.lines) from None
        text, permanent = _explained(error)
        raise NotifyError(dialogue.without_secrets(f"{where}: {text}"), permanent, dialogue.lines) from None
    return "refused by the server, others were sent: " + _refusals(refused) if refused else ""


def _converse(
    client: _Client, mail: Mail, message: EmailMessage, context: ssl.SSLContext | None
) -> dict[str, tuple[int, bytes]]:
    client.local_hostname = _own_name(client)
    if mail.security == "starttls":
        client.starttls(context=context)
    if mail.user is not None:
        _log_in(client, mail, mail.user)
    return client.send_message(message, mail.sender, list(mail.to))


def _log_in(client: _Client, mail: Mail, user: str) -> None:
    peer = client.peer_address()
    if mail.security == "none" and not mail.allow_clear_login and not ipaddress.ip_address(peer).is_loopback:
        raise NotifyError(
            f"mail server {mail.server} is at {peer}, and user and password would go there in clear text; set "
            'security = "starttls" or "tls" in [mail], or allow_clear_login = true',
            permanent=True,
        )
    try:
        password = mail.password() or ""
    except ConfigError as error:
        raise NotifyError(f"[mail]: {'; '.join(error.lines)}", permanent=True) from None
    if not (user + password).isascii():
        raise NotifyError("[mail]: user and password must be ASCII to log in to a mail server", permanent=True)
    client.ehlo_or_helo_if_needed()  # login() would say it as well, but unseen
    client.dialogue.hide(user, password)
    client.login(user, password)
    client.dialogue.login_is_over()


class _Dialogue:
    """What was said, for a person who has to find out why mail does not go. Secrets never get in."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._secrets: list[str] = []
        self._logging_in = False

    def hide(self, user: str, password: str) -> None:
        """From now on: no word of a login is noted, and no reply that repeats the password is shown as it is."""
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
        if len(self.lines) < _DIALOGUE_LINES:
            self.lines.append(one_line(self.without_secrets(text)))


class _Client(smtplib.SMTP):
    """smtplib's client, with the connection made under our deadline and everything said noted."""

    def __init__(
        self, mail: Mail, deadline: Deadline, dialogue: _Dialogue, context: ssl.SSLContext | None, stack: ExitStack
    ) -> None:
        self.dialogue = dialogue
        self._connect_to: Callable[[], socket.socket] = lambda: _connect(mail, deadline, context, stack)
        stack.callback(self.close)
        super().__init__(mail.server or "", mail.smtp_port(), local_hostname="localhost")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """smtplib's own seam for other kinds of connections (SMTP_SSL and LMTP use it)."""
        return self._connect_to()

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
    """What we call ourselves in EHLO: the host's full name, else our address (RFC 5321, 4.1.3). Never asks the DNS."""
    name = socket.gethostname()
    if _HOST_NAME.fullmatch(name):
        return name
    address = client.own_address().partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _tls_context(mail: Mail) -> ssl.SSLContext:
    """A context that verifies certificate and name."""
    try:
        return ssl.create_default_context(cafile=mail.ca_file)
    except OSError as error:  # SSLError is one
        reason = "no certificates in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        raise NotifyError(f"[mail] ca_file: {mail.ca_file}: {reason}", permanent=True) from None


def _connect(mail: Mail, deadline: Deadline, context: ssl.SSLContext | None, stack: ExitStack) -> socket.socket:
    """A connection that dies when the deadline does. The stack takes what has to be undone at the end."""
    host = mail.server or ""
    sock = _dial(_resolve(host, mail.smtp_port(), deadline), mail.timeout_s, deadline)
    # A second descriptor of the same connection: wrap_socket() takes the first one away before the handshake.
    guard = stack.enter_context(sock.dup())
    stack.enter_context(deadline.cut_by(lambda: _shut(guard)))
    if context is None or mail.security != "tls":
        return sock
    with ExitStack() as on_error:
        on_error.callback(sock.close)
        wrapped = context.wrap_socket(sock, server_hostname=host)
        on_error.pop_all()
    return wrapped


_Addresses = list[tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]]


def _resolve(host: str, port: int, deadline: Deadline) -> _Addresses:
    """The addresses of host. getaddrinfo() cannot be interrupted, so it has a thread that may be left behind."""
    answers: queue.SimpleQueue[_Addresses | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=look_up, name="mail-resolver", daemon=True).start()
    with deadline.cut_by(lambda: answers.put(TimeoutError())):
        answer = answers.get()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _dial(addresses: _Addresses, timeout_s: float, deadline: Deadline) -> socket.socket:
    """The first address that answers; each gets its share of the time, so that a dead one leaves some for the next."""
    failure: OSError = OSError("has no address")
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        sock.settimeout(timeout_s / len(addresses))
        try:
            with deadline.cut_by(lambda: _shut(sock)):  # noqa: B023 - called inside this very round only
                sock.connect(address)
            sock.settimeout(None)  # from here on the deadline rules
            return sock
        except OSError as error:
            sock.close()
            failure = error
        if deadline.reason is not None:
            break
    raise failure


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


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
