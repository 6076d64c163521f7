"""The parts of `collect` that run beside its loop: a thread for each, which is started again if an error ends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from buddywatch.collect.bridge_process import BridgeProcess
from buddywatch.collect.page_process import PageProcess
from buddywatch.collect.presenter import Lines, Live
from buddywatch.collect.report_clock import ReportClock
from buddywatch.collect.supervision import Part, Supervised
from buddywatch.collect.writer import BUSY_S
from buddywatch.config.bridges import SPARE
from buddywatch.config.sections import Config
from buddywatch.notify.channels import channels_of
from buddywatch.notify.heartbeat import HeartbeatSender
from buddywatch.notify.outbox import OutboxWorker


def start_parts(
    config: Config, is_well: Callable[[], bool], presenter: Lines | Live, stack: ExitStack
) -> list[Callable[[str | None], None]]:
    """What the configuration asks for. is_well: whether the collector works now. Returns what to call each time the
    loop turns, with the reason why the store takes nothing."""
    if config.heartbeat is not None:
        heartbeat = HeartbeatSender(config.heartbeat, is_well, presenter.report)
        _start("heartbeat", heartbeat, config, presenter, stack)
    if config.report is not None:
        command = [*same_place(config), "report", "--mail", "--since", f"{config.report.since_s}s"]
        clock = ReportClock(config.report, config.collector.db, command)
        _start("report-clock", clock, config, presenter, stack)
    for bridge in config.bridges:
        process = BridgeProcess([*same_place(config), "bridge", bridge.name], presenter.report)
        _start(f"bridge {bridge.name}", process, config, presenter, stack)
    if config.metrics is None:
        return []
    page = PageProcess([*same_place(config), "serve"])
    _start("page", page, config, presenter, stack)
    return [page.beat]


def same_place(config: Config) -> list[str]:
    """The arguments of a command about the same database and configuration."""
    found = ["--db", str(config.collector.db.absolute())]
    return found + (["--config", str(config.path)] if config.path is not None else [])


def start_outboxes(config: Config, presenter: Lines | Live, stack: ExitStack) -> list[OutboxWorker]:
    """A thread for each channel, so that a slow one delays no other."""
    channels, hold_s, outboxes = channels_of(config), 0.0, []
    if config.pair is not None:
        from buddywatch.commands.pair import pair_channels  # what asks an engine is loaded only where there is one

        channels = pair_channels(config, config.pair, channels, presenter.report)
        hold_s = config.pair.after_s if config.pair.role == SPARE else 0.0
    for name, channel in channels.items():
        others = sorted(channels.keys() - {name})
        db = config.collector.db
        outbox = OutboxWorker(db, name, channel, others, report=presenter.report, busy_s=BUSY_S, hold_s=hold_s)
        _start(name, outbox, config, presenter, stack)
        outboxes.append(outbox)
    for outbox in outboxes:
        stack.callback(outbox.stop)  # all at once, before the first one is waited for
    return outboxes


def _start(name: str, part: Part, config: Config, presenter: Lines | Live, stack: ExitStack) -> None:
    """Run a part of the collector in a thread of its own until the end."""
    supervised = Supervised(name, part, config.collector.db, presenter.report)
    supervised.start()
    stack.callback(supervised.stop)


def wake_all(outboxes: Sequence[OutboxWorker]) -> None:
    for outbox in outboxes:
        outbox.wake()
