"""`buddywatch status [BOARD] [--json]`: exit code 1 while an alert is open, or no collector runs any more."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from buddyd import watermark

from buddywatch.commands.boards import check_board, gap_json, print_json
from buddywatch.config.sections import Config
from buddywatch.model.alerts import FAILED, SENDING, WAITING, Incident, OutboxRow
from buddywatch.model.forecasts import UNKNOWN, Forecast
from buddywatch.model.health import RESTARTING, STOPPED, PartHealth
from buddywatch.model.links import LinkState, UnheardLink
from buddywatch.model.samples import Gap
from buddywatch.model.verdicts import NeedState
from buddywatch.store.read import LINK_DOWN, LINK_UP
from buddywatch.store.store import Store
from buddywatch.terminal.overview import Overview, alert_words, board_names, overview
from buddywatch.text.escape import counted, escaped, local_time, one_line, rough_duration, wrapped
from buddywatch.text.gap_words import gap_words
from buddywatch.text.link_words import link_words, unheard_words
from buddywatch.text.silence_words import no_collector_words
from buddywatch.text.state_words import (
    kernel_words,
    memory_words,
    need_title,
    need_words,
    reserve_words,
    unknown_things,
    unknown_words,
)
from buddywatch.verdict.reboot_window import deadline, last_window

BAD_NEWS = 1
_GAPS_SHOWN = 5
_GIVEN_UP_S = 86400  # for so long a message that was given up is worth a line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("board", metavar="BOARD", nargs="?", help="this board only")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace, config: Config) -> int:
    now = time.time()
    with Store.open_readonly(config.collector.db) as store:
        if args.board is not None:
            check_board(store, config, args.board)
        names = board_names(store, config) if args.board is None else [args.board]
        if len(names) > 1 and not args.json:
            return _show_fleet(store, config, now)
        boards = [overview(store, config, name, now) for name in names]
        is_dead = store.collector_pid() == 0
        if args.json:
            print_json(_json(store, config, boards, now, args.board is None))
        else:
            unheard = store.unheard_links() if args.board is None else []
            gaps = {name: store.gaps(name) for name in names}
            dead = [no_collector_words([board.age_s for board in boards], now), ""] if is_dead else []
            lines = [*dead, *_text(boards, gaps, now), *_unheard_lines(unheard), *_trouble_lines(store, config, now)]
            if sys.stdout.isatty():
                from buddywatch.commands.status_fleet import fitted  # only a terminal needs it

                lines = fitted(lines)
            print("\n".join(lines))
    return BAD_NEWS if is_dead or any(board.alerts for board in boards) else 0


def status_json(store: Store, config: Config, names: list[str], now: float, with_unheard: bool) -> dict[str, Any]:
    """`status --json` of these boards."""
    return _json(store, config, [overview(store, config, name, now) for name in names], now, with_unheard)


def _json(store: Store, config: Config, boards: list[Overview], now: float, with_unheard: bool) -> dict[str, Any]:
    links = [unheard_json(link) for link in store.unheard_links()] if with_unheard else []
    return {
        "boards": [board_json(board, store.gaps(board.name), now) for board in boards],
        "unheard_links": links,
        "collector": {name: part_json(store.part(name)) for name in parts_of(config)},
    }


def _show_fleet(store: Store, config: Config, now: float) -> int:
    """A line for each board, the worst first; returns the exit code."""
    from buddywatch.commands.status_fleet import fleet_text  # one board needs none of these
    from buddywatch.terminal.gather import FleetReader

    pid = store.collector_pid()
    found = FleetReader(store, config).fleet(now)
    head = [f"collector running, pid {pid}"] if pid else []
    head += [no_collector_words([board.age_s for board in found.boards], now)] if pid == 0 else []
    print(
        "\n".join(
            [*head, *fleet_text(found), *_unheard_lines(store.unheard_links()), *_trouble_lines(store, config, now)]
        )
    )
    return BAD_NEWS if pid == 0 or any(board.alerts for board in found.boards) else 0


def _trouble_lines(store: Store, config: Config, now: float) -> list[str]:
    """Messages that are stuck, and parts of the collector that ended by an error."""
    lines = _message_lines(store.messages((WAITING, SENDING, FAILED)), now)
    lines += [line for name in parts_of(config) for line in _part_lines(store.part(name), now)]
    return lines + (_bridge_lines(config, now) if config.bridges else [])


def _bridge_lines(config: Config, now: float) -> list[str]:
    """Bridges that do not get rid of what is stored."""
    from buddywatch.commands.bridge import state_line  # few configurations have a bridge
    from buddywatch.store.bridges import BridgeStore

    with BridgeStore.open_readonly(config.collector.db) as store:
        states = [(bridge, store.bridge_state(bridge.name)) for bridge in config.bridges]
    return [state_line(bridge, state, now) for bridge, state in states if state.error or state.set_aside]


def parts_of(config: Config) -> list[str]:
    """The parts of the collector that run in threads of their own: one for each channel, bridge, and the writer."""
    hooks, receivers = [hook.name for hook in config.hooks], [receiver.name for receiver in config.receivers]
    channels = ["mail", *(f"hook:{name}" for name in hooks), *(f"receiver:{name}" for name in receivers)]
    reports = ["report", "report-clock"] if config.report is not None else []
    pages = ["page"] if config.metrics is not None else []
    bridges = [f"bridge {bridge.name}" for bridge in config.bridges]
    heartbeat = ["heartbeat"] if config.heartbeat is not None else []
    return [*channels, *reports, *pages, *heartbeat, *bridges, "writer"]


def board_json(board: Overview, gaps: list[Gap], now: float) -> dict[str, Any]:
    """One board of `status --json`; what is not known is null."""
    state = board.state
    return {
        "name": board.name,
        "boot_id": board.boot.boot_id if board.boot else None,
        "link": board.link,
        "links": [link_json(link, now) for link in board.links],
        "age_s": None if board.age_s is None else round(board.age_s, 3),
        "kernel": board.boot.facts.get("kernel") if board.boot else None,
        "serviceable_bytes": state.serviceable_bytes if state else None,
        "largest_free_block_bytes": state.largest_free_block_bytes if state else None,
        "free_bytes": state.free_bytes if state else None,
        "needs": [need_json(need, board) for need in (state.needs if state else ())],
        "reboot_window": _window_json(board, now),
        "reserve": [{"bytes": size, "held": is_held} for size, is_held in board.reserve],
        "unknown": unknown_things(board.boot.facts) if board.boot else [],
        "gaps": [gap_json(gap) for gap in gaps],
        "lost_snapshots": board.losses.frames,
        "alerts": [alert_json(incident, silenced) for incident, silenced in board.alerts],
    }


def _window_json(board: Overview, now: float) -> dict[str, float] | None:
    """The last reboot window before a need may be refused; null if nothing points to it, or if there is none."""
    before = deadline(board.forecasts, board.snapshot.time) if board.snapshot else None
    found = None if before is None else last_window(board.windows, now, before)
    return None if found is None else {"begin": found[0], "end": found[1]}


def need_json(need: NeedState, board: Overview) -> dict[str, Any]:
    """A need of `status --json`. refused_in_s: 0 while it is refused, null while nothing points to a refusal."""
    forecast = board.forecasts.get(need.name, Forecast(UNKNOWN))
    snapshot, since_s = board.current_snapshot, None
    if forecast.since_s is not None and snapshot is not None:
        since_s = max(0.0, snapshot.uptime_ms / 1000 - forecast.since_s)
    times = {"in_s": forecast.in_s, "low_s": forecast.low_s, "high_s": forecast.high_s, "since_s": since_s}
    rounded = {key: None if time_s is None else round(time_s) for key, time_s in times.items()}
    return {
        "name": need.name,
        "bytes": need.bytes,
        "verdict": need.verdict,
        "margin_pages": need.margin_pages,
        "ends_together": [one.pid for rescue in board.rescues if rescue.need == need.name for one in rescue.programs],
        "refused_in_s": 0 if need.verdict == watermark.REFUSED else rounded["in_s"],
        "forecast": {"trend": forecast.trend, **rounded},
    }


def link_json(link: LinkState, now: float) -> dict[str, Any]:
    """One link of `status --json`. The counts are those since the collector started."""
    return {
        "url": link.url,
        "state": LINK_UP if link.up else LINK_DOWN,
        "since_s": round(max(0.0, now - link.since), 3),
        "damaged_lines": link.health.damaged_lines,
        "dropped_bytes": link.health.dropped_bytes,
        "reasked_frames": link.health.reasked_frames,
        "last_error": link.health.last_error or None,
    }


def unheard_json(link: UnheardLink) -> dict[str, Any]:
    """A link of `status --json` over which no board was heard since the collector started."""
    state = LINK_UP if link.is_up else LINK_DOWN
    return {"url": link.url, "state": state, "last_error": link.last_error or None}


def part_json(part: PartHealth | None) -> dict[str, Any]:
    """A part of the collector that runs in a thread of its own; state "off": none was ever started."""
    return {
        "state": part.state if part else "off",
        "since": part.since if part else None,
        "restarts": part.restarts if part else 0,
        "last_error": part.last_error if part else None,
        "last_error_at": part.last_error_at if part else None,
    }


def alert_json(incident: Incident, silenced: bool) -> dict[str, Any]:
    return {
        "rule": incident.rule,
        "need": incident.need,
        "severity": incident.severity,
        "state": incident.state,
        "since": incident.opened,
        "text": incident.text,
        "silenced": silenced,
    }


def _text(boards: list[Overview], gaps: dict[str, list[Gap]], now: float) -> list[str]:
    lines: list[str] = []
    for board in boards:
        lines += [*([""] if lines else []), *_board_lines(board, gaps[board.name], now)]
    if not boards:
        lines.append("no data from any board yet")
    return lines


def _unheard_lines(links: list[UnheardLink]) -> list[str]:
    return ["", *(f"link {unheard_words(link)}" for link in links)] if links else []


def _board_lines(board: Overview, gaps: list[Gap], now: float) -> list[str]:
    lines = [f"{escaped(board.name)}: link {board.link}, {_age(board)}"]
    if board.boot is not None:
        lines.append(f"  {kernel_words(board.boot.facts)}; boot {escaped(board.boot.boot_id)}{_uptime(board)}")
    lines += [f"  {line}" for line in _memory_lines(board)]
    reboot = board.reboot_words(now)
    lines += [f"  {reboot}"] if reboot else []
    unknown = unknown_words(board.boot.facts) if board.boot else ""
    lines += [f"  {words}" for words in (reserve_words(board.reserve), unknown) if words]
    lines += [f"  link {link_words(link, now)}" for link in board.links]
    lines += [f"  {line}" for line in _gap_lines(board, gaps)]
    lines += [f"  alert: {alert_words(incident, silenced, now)}" for incident, silenced in board.alerts]
    return lines if board.alerts else [*lines, "  no open alert"]


def _age(board: Overview) -> str:
    if board.age_s is None and board.snapshot is not None:
        return "data of unknown age (this machine's clock was ahead when it came)"
    if board.age_s is None or board.snapshot is None:
        return "no data yet"
    old = f"data {rough_duration(board.age_s)} old"
    return old if board.age_s < 600 else f"{old} (of {local_time(board.snapshot.time)})"


def _uptime(board: Overview) -> str:
    snapshot = board.current_snapshot
    return f", up {rough_duration(snapshot.uptime_ms / 1000 + (board.age_s or 0))}" if snapshot else ""


def _memory_lines(board: Overview) -> list[str]:
    state = board.state
    if state is None:
        missing = "snapshot of this boot yet" if board.boot else "usable hello yet (`collect` reports why)"
        return [f"memory unknown: no {missing}"]
    snapshot = board.current_snapshot
    needs = [
        f"{need_title(need, state)}: {need_words(need, snapshot, state, board.forecasts.get(need.name))}"
        for need in state.needs
    ]
    return [memory_words(state), *needs, *_rescue_lines(board)]


def _rescue_lines(board: Overview) -> list[str]:
    """Whose end would help, for the needs that are refused."""
    if not board.rescues:
        return []
    from buddywatch.text.map_words import rescue_words  # loaded only then

    return [line for rescue in board.rescues for line in wrapped(rescue_words(rescue), "")]


def _gap_lines(board: Overview, gaps: list[Gap]) -> list[str]:
    if not gaps:
        return []
    left_out = len(gaps) - _GAPS_SHOWN
    lost = f"{counted(board.losses.frames, 'frame')} lost" if board.losses.frames else "nothing lost"
    lines = [f"{lost}; gaps:"]
    lines += [f"  boot {escaped(gap.boot_id)}: {gap_words(gap)}" for gap in gaps[-_GAPS_SHOWN:]]
    return lines + ([f"  and {left_out} before: buddywatch history {escaped(board.name)}"] if left_out > 0 else [])


def _message_lines(messages: list[OutboxRow], now: float) -> list[str]:
    waiting = [row for row in messages if row.state != FAILED]
    given_up = [row for row in messages if row.state == FAILED and row.created > now - _GIVEN_UP_S]
    lines = []
    if waiting:
        oldest = rough_duration(now - waiting[0].created)
        lines.append(f"{counted(len(waiting), 'message')} not delivered yet, the oldest for {oldest}{_error(waiting)}")
    if given_up:
        lines.append(f"{counted(len(given_up), 'message')} given up in the last 24 h{_error(given_up)}")
    return ["", *lines] if lines else []


def _part_lines(part: PartHealth | None, now: float) -> list[str]:
    """A line about a part that ended by an error; nothing where all is well."""
    if part is None or part.last_error_at is None or part.state == STOPPED:
        return []
    when, error = rough_duration(now - part.last_error_at), one_line(part.last_error or "")
    state = "stopped, is being restarted" if part.state == RESTARTING else "running"
    return ["", f"collector: {part.name} {state} ({counted(part.restarts, 'restart')}; last error {when} ago: {error})"]


def _error(rows: list[OutboxRow]) -> str:
    errors = [row.last_error for row in rows if row.last_error]
    return f"; last error: {one_line(errors[-1])}" if errors else ""
