"""A real SMTP server on 127.0.0.1 for tests: STARTTLS or TLS with a certificate made on the spot, login, and bad moods.

    with SmtpServer("starttls", login=("alerts", "secret")) as server:
        ... send to server.port, trusting server.ca_file ...
        mail = server.wait_for_mails(1)[0]

What it does can be changed while it runs (server.behaviour, server.data_reply, server.refuse), and stop() followed by
start() brings it back on the same port.
"""

from __future__ import annotations

import asyncio
import datetime
import email
import email.policy
import ipaddress
import ssl
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from waiting import DEADLINE_S

HOST = "127.0.0.1"


@dataclass(frozen=True)
class ReceivedMail:
    """One mail that the server said 250 to (or took before it dropped the connection)."""

    sender: str
    recipients: list[str]
    message: EmailMessage
    over_tls: bool
    user: str | None


class SmtpServer:
    """security: "none", "starttls" or "tls". login: the only user and password let in; None: no login needed."""

    def __init__(
        self,
        security: str = "none",
        login: tuple[str, str] | None = None,
        cert_host: str = HOST,
        expired: bool = False,
        listen_on: str = HOST,
    ) -> None:
        self.security = security
        self.login = login
        self.host, self.port = listen_on, 0
        self.behaviour = "serve"  # or "hang", "drip", "drop-at-data", "drop-after-data"
        self.refuse: dict[str, str] = {}  # recipient -> reply to RCPT
        self.data_reply: str | None = None  # reply to a whole mail instead of taking it, such as "451 later"
        self.login_refusal = "535 5.7.8 Authentication credentials invalid"
        self.mails: list[ReceivedMail] = []
        self.connections = 0
        self._news = threading.Condition()
        self._open: set[asyncio.BaseTransport] = set()
        self._folder = tempfile.TemporaryDirectory(prefix="smtp-server-")
        self.ca_file = Path(self._folder.name, "ca.pem")
        self._context = _server_context(Path(self._folder.name), cert_host, expired) if security != "none" else None

    def __enter__(self) -> SmtpServer:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        """Listen (again), on the same port as before."""
        self._loop = asyncio.new_event_loop()
        implicit_tls = self._context if self.security == "tls" else None
        listen = self._loop.create_server(self._protocol, self.host, self.port, ssl=implicit_tls)
        self._server = self._loop.run_until_complete(listen)
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and the port. Harmless when stopped already."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(DEADLINE_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(DEADLINE_S)
            self._loop.close()

    def wait_for_mails(self, count: int) -> list[ReceivedMail]:
        """The mails so far, as soon as there are `count`; AssertionError when they do not come."""
        return self._wait(lambda: len(self.mails) >= count, f"{count} mails")

    def wait_for_connections(self, count: int) -> None:
        """Return as soon as `count` connections were made."""
        self._wait(lambda: self.connections >= count, f"{count} connections")

    def _wait(self, reached: Any, what: str) -> list[ReceivedMail]:
        with self._news:
            assert self._news.wait_for(reached, DEADLINE_S), f"waited for {what}, have {len(self.mails)} mails"
            return list(self.mails)

    async def _shut(self) -> None:
        self._server.close()
        for transport in list(self._open):
            with suppress(AttributeError):  # CPython 3.11.2's abort() of a TLS connection that has just ended
                transport.abort()  # type: ignore[attr-defined]
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _protocol(self) -> asyncio.BaseProtocol:
        if self.behaviour in ("hang", "drip"):
            return _Mute(self, drip=self.behaviour == "drip")
        return _Smtp(self)

    def opened(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(transport)
        with self._news:
            self.connections += 1
            self._news.notify_all()

    def closed(self, transport: asyncio.BaseTransport | None) -> None:
        self._open.discard(transport)  # type: ignore[arg-type]

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any
    ) -> AuthResult:
        """aiosmtpd's authenticator."""
        given = (login.login.decode(), login.password.decode())
        if given == self.login:
            return AuthResult(success=True, auth_data=login)
        return AuthResult(success=False, handled=False, message=self.login_refusal)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.data_reply is not None:
            return self.data_reply
        if self.behaviour == "drop-at-data":
            server.transport.abort()
            return "451 never read"
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        user = session.auth_data.login.decode() if session.authenticated else None
        over_tls = session.ssl is not None or self.security == "tls"
        mail = ReceivedMail(envelope.mail_from or "", list(envelope.rcpt_tos), message, over_tls, user)
        with self._news:
            self.mails.append(mail)
            self._news.notify_all()
        if self.behaviour == "drop-after-data":
            server.transport.abort()
        return "250 OK kept"

    @property
    def tls_context(self) -> ssl.SSLContext | None:
        """For STARTTLS."""
        return self._context if self.security == "starttls" else None


class _Smtp(SMTP):
    def __init__(self, owner: SmtpServer) -> None:
        self._owner = owner
        super().__init__(
            owner,
            hostname="mail.test",
            tls_context=owner.tls_context,
            auth_require_tls=owner.security == "starttls",
            authenticator=owner.authenticate,
            auth_exclude_mechanism=() if owner.login else ("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.transport is None:  # called a second time once STARTTLS is through
            self._owner.opened(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.closed(self._original_transport or self.transport)
        super().connection_lost(error)


class _Mute(asyncio.Protocol):
    """Says nothing, or one byte of an endless greeting every 50 ms."""

    def __init__(self, owner: SmtpServer, drip: bool) -> None:
        self._owner = owner
        self._drip = drip

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._owner.opened(transport)
        if self._drip:
            self._send_byte()

    def connection_lost(self, error: Exception | None) -> None:
        self._owner.closed(self._transport)

    def _send_byte(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(b"2")
            asyncio.get_running_loop().call_later(0.05, self._send_byte)


def _server_context(folder: Path, cert_host: str, expired: bool) -> ssl.SSLContext:
    """A server context whose certificate is for cert_host; its authority's certificate is left in folder/ca.pem."""
    now = datetime.datetime.now(datetime.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test mail server")])
    valid = (now - datetime.timedelta(days=3), now + datetime.timedelta(days=-1 if expired else 3))
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    ca = (
        _certificate(ca_name, ca_name, ca_key.public_key(), (valid[0], now + datetime.timedelta(days=3)))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(ca_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    alternative = x509.IPAddress(ipaddress.ip_address(cert_host)) if cert_host == HOST else x509.DNSName(cert_host)
    leaf = (
        _certificate(name, ca_name, key.public_key(), valid)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    Path(folder, "ca.pem").write_bytes(ca.public_bytes(pem))
    Path(folder, "server.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()) + leaf.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(folder, "server.pem"))
    return context


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: Any, valid: tuple[datetime.datetime, datetime.datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )
