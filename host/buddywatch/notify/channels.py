"""The configured channels, by their names in the outbox: "mail", "report", "hook:NAME" and "receiver:NAME"."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from buddywatch.config.secret_places import SecretError, first_line
from buddywatch.config.sections import Config, Hook, Mail, Receiver
from buddywatch.model.alerts import Route
from buddywatch.notify import command, smtp
from buddywatch.notify.base import Channel, Deadline, Delivery, NotifyError, Parcel
from buddywatch.notify.command import json_line
from buddywatch.notify.local import append, syslog
from buddywatch.notify.message import compose_test
from buddywatch.notify.message_id import new_message_id
from buddywatch.notify.post import post
from buddywatch.text.escape import escaped

MAIL, REPORT = "mail", "report"


@dataclass(frozen=True)
class MailChannel:
    mail: Mail

    @property
    def timeout_s(self) -> float:
        return self.mail.timeout_s

    def send(self, parcel: Parcel, deadline: Deadline) -> Delivery:
        if self.mail.server is not None:
            from buddywatch.notify.mail import compose_mail  # loads the standard library's many modules about mail

            email = compose_mail(self.mail, parcel.message, parcel.created)
            return smtp.send(self.mail, email, parcel.recipients or self.mail.to, deadline)
        command.send_mail(self.mail, parcel, deadline)
        return Delivery()


@dataclass(frozen=True)
class HookChannel:
    hook: Hook

    @property
    def timeout_s(self) -> float:
        return self.hook.timeout_s

    def send(self, parcel: Parcel, deadline: Deadline) -> Delivery:
        command.send_hook(self.hook, parcel.message, deadline)
        return Delivery()


@dataclass(frozen=True)
class WebhookChannel:
    receiver: Receiver

    @property
    def timeout_s(self) -> float:
        return self.receiver.timeout_s

    def send(self, parcel: Parcel, deadline: Deadline) -> Delivery:
        key = None
        if self.receiver.sign_file is not None:
            try:
                key = first_line(self.receiver.sign_file, "the key that signs messages")
            except SecretError as error:
                raise NotifyError(f"receiver {self.receiver.name}: {error}", permanent=True) from None
        body = json_line(parcel.message.payload)
        post(self.receiver.webhook or "", body, key, deadline, self.receiver.timeout_s)
        return Delivery()


@dataclass(frozen=True)
class LocalChannel:
    """syslog, or a file."""

    receiver: Receiver

    @property
    def timeout_s(self) -> float:
        return self.receiver.timeout_s

    def send(self, parcel: Parcel, deadline: Deadline) -> Delivery:
        if self.receiver.syslog is not None:
            syslog(self.receiver.syslog, parcel.message)
        elif self.receiver.file is not None:
            append(self.receiver.file, parcel.message)
        return Delivery()


def channels_of(config: Config) -> dict[str, Channel]:
    """By name, mail first; REPORT only where reports are sent by the clock."""
    channels: dict[str, Channel] = {MAIL: MailChannel(config.mail)} if config.mail is not None else {}
    if config.mail is not None and config.report is not None:
        channels[REPORT] = MailChannel(replace(config.mail, to=config.report.to or config.mail.to))
    channels |= {f"hook:{hook.name}": HookChannel(hook) for hook in config.hooks}
    return channels | {receiver_channel(one): _channel_of(one, config.mail) for one in config.receivers}


def receiver_channel(receiver: Receiver) -> str:
    """The name of a receiver's channel."""
    return f"receiver:{receiver.name}"


def _channel_of(receiver: Receiver, mail: Mail | None) -> Channel:
    if receiver.to and mail is not None:
        return MailChannel(replace(mail, to=receiver.to))
    return WebhookChannel(receiver) if receiver.webhook is not None else LocalChannel(receiver)


def routes_of(config: Config) -> list[Route]:
    """What each channel gets: mail and hooks every alert, receivers what they ask for, REPORT none."""
    whole = [Route(name) for name in channels_of(replace(config, receivers=(), report=None))]
    return whole + [Route(receiver_channel(one), one.severities, one.boards) for one in config.receivers]


def send_test(config: Config) -> list[str]:
    """Really send a test message through every channel. Returns one line for each channel.

    Raises NotifyError if there is no channel, or if one failed: its text has a line for each channel, its dialogue is
    the conversation with the mail server.
    """
    channels = channels_of(config)
    if not channels:
        raise NotifyError(
            "nowhere to send to: the configuration has no [mail], no [[hook]] and no [[receiver]]", permanent=True
        )
    lines, errors = [], []
    for name, channel in channels.items():
        try:
            note = _send_test(channel, config).note
        except NotifyError as error:
            errors.append(error)
            lines.append(f"{name}: failed: {error}")
        else:
            lines.append(f"{name}: sent{_destination(channel)}" + (f"; {note}" if note else ""))
    if errors:
        dialogue = [line for error in errors for line in error.dialogue]
        raise NotifyError("\n".join(lines), all(error.permanent for error in errors), dialogue)
    return lines


def _send_test(channel: Channel, config: Config) -> Delivery:
    now = time.time()
    message = replace(compose_test(now), message_id=new_message_id(config.mail))
    with Deadline(channel.timeout_s) as deadline:
        return channel.send(Parcel(message, now), deadline)


def _destination(channel: Channel) -> str:
    if not isinstance(channel, MailChannel):
        return ""
    mail = channel.mail
    how = f"{mail.server}:{mail.smtp_port()} ({mail.security})" if mail.server else mail.command[0]
    return escaped(f" to {', '.join(mail.to)} by {how}")
