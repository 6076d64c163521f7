"""What /metrics shows: the last state of every board, and the collector itself. Values -> families; reads the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from buddyd import watermark

from buddywatch import __version__
from buddywatch.model.alerts import CRITICAL, WARNING
from buddywatch.model.health import PartHealth
from buddywatch.store.store import Store
from buddywatch.terminal.gather import FleetReader
from buddywatch.terminal.view import BoardLine, Fleet, NeedLine
from buddywatch.web.exposition import COUNTER, GAUGE, Family
from buddywatch.web.health import Pulse

_VERDICTS = (watermark.OK, watermark.TIGHT, watermark.REFUSED)


def board_families(reader: FleetReader, fleet: Fleet, store: Store) -> list[Family]:
    """The last state of each board; what is not known of one has no value."""
    age = Family("buddywatch_board_data_age_seconds", GAUGE, "Age of the board's newest snapshot.")
    uptime = Family("buddywatch_board_uptime_seconds", GAUGE, "Uptime of the board in its newest snapshot.")
    free = Family("buddywatch_board_free_bytes", GAUGE, "Free memory of the board.")
    largest = Family("buddywatch_board_largest_free_block_bytes", GAUGE, "Largest free block, usable or not.")
    usable = Family("buddywatch_board_serviceable_bytes", GAUGE, "Largest request that succeeds.")
    reclaimable = Family("buddywatch_board_reclaimable_bytes", GAUGE, "What reclaim can free at best.")
    blocks = Family("buddywatch_board_free_blocks", GAUGE, "Free blocks of 2^order pages.")
    lost = Family("buddywatch_board_lost_snapshots_total", COUNTER, "Snapshots that are lost for ever.")
    alerts = Family("buddywatch_board_alerts", GAUGE, "Open alerts by severity.")
    for board in fleet.boards:
        name, known = board.name, reader.known(board.name)
        age.add(board.age_s, board=name)
        lost.add(store.losses(name).frames, board=name)
        for severity in (CRITICAL, WARNING):
            count = sum(alert.words.startswith(severity) for alert in board.alerts)
            alerts.add(count, board=name, severity=severity)
        if known.snapshot is not None and known.state is not None:
            uptime.add(known.snapshot.uptime_ms / 1000, board=name)
            free.add(known.state.free_bytes, board=name)
            largest.add(known.state.largest_free_block_bytes, board=name)
            usable.add(known.state.serviceable_bytes, board=name)
            reclaimable.add(known.state.reclaimable_bytes, board=name)
        for zone in known.snapshot.zones if known.snapshot is not None and known.state is not None else ():
            for order, count in enumerate(zone.nr_free):
                blocks.add(count, board=name, node=str(zone.node), zone=zone.name, order=str(order))
    return [age, uptime, free, largest, usable, reclaimable, blocks, lost, alerts]


def need_families(reader: FleetReader, boards: Iterable[BoardLine]) -> list[Family]:
    """What stands between each need and its refusal."""
    size = Family("buddywatch_need_bytes", GAUGE, "Contiguous bytes that the need takes.")
    pages = Family("buddywatch_need_margin_pages", GAUGE, "Pages to spare at the min mark; negative: it is refused.")
    spare = Family("buddywatch_need_margin_bytes", GAUGE, "Bytes to spare at the min mark; negative: it is refused.")
    blocks = Family("buddywatch_need_usable_blocks", GAUGE, "How many more times the need can be served.")
    verdict = Family("buddywatch_need_verdict", GAUGE, "1 for the verdict of the newest snapshot, 0 for the others.")
    refused_in = Family(
        "buddywatch_need_refused_in_seconds", GAUGE, "Median forecast of the first refusal; 0: it is refused now."
    )
    for board in boards:
        known = reader.known(board.name)
        lines = {need.name: need for need in board.needs}
        for need in known.state.needs if known.state is not None else ():
            labels = {"board": board.name, "need": need.name}
            size.add(need.bytes, **labels)
            pages.add(need.margin_pages, **labels)
            if need.margin_pages is not None and known.state is not None and known.state.page_bytes is not None:
                spare.add(need.margin_pages * known.state.page_bytes, **labels)
            for one in _VERDICTS if need.verdict is not None else ():
                verdict.add(one == need.verdict, **labels, verdict=one)
            line = lines.get(need.name)
            if line is not None:
                blocks.add(line.left, **labels)
                refused_in.add(_refused_in_s(line), **labels)
    return [size, pages, spare, blocks, verdict, refused_in]


def link_families(store: Store) -> list[Family]:
    up = Family("buddywatch_link_up", GAUGE, "1 while the link to the board is open.")
    damaged = Family("buddywatch_link_damaged_lines_total", COUNTER, "Lines that failed their check.")
    dropped = Family("buddywatch_link_dropped_bytes_total", COUNTER, "Bytes of lines that were too long.")
    reasked = Family("buddywatch_link_reasked_frames_total", COUNTER, "Frames that were asked for again.")
    for board, links in store.links_of_all().items():
        for link in links:
            labels = {"board": board, "link": link.url}
            up.add(link.up, **labels)
            damaged.add(link.health.damaged_lines, **labels)
            dropped.add(link.health.dropped_bytes, **labels)
            reasked.add(link.health.reasked_frames, **labels)
    unheard = Family("buddywatch_unheard_links", GAUGE, "Links over which no board was heard yet.")
    unheard.add(len(store.unheard_links()))
    return [up, damaged, dropped, reasked, unheard]


def collector_families(
    store: Store, db: Path, pulse: Pulse | None, parts: Sequence[PartHealth], channels: Sequence[str], now: float
) -> list[Family]:
    """The collector itself. pulse: None if it did not start this door."""
    version = Family("buddywatch_build_info", GAUGE, "The version of buddywatch; always 1.")
    version.add(1, version=__version__)
    up = Family("buddywatch_collector_up", GAUGE, "1 while a collector uses the database.")
    up.add(bool(store.collector_pid()))
    loop = Family("buddywatch_collector_loop_age_seconds", GAUGE, "Time since the collector's loop turned.")
    longest = Family(
        "buddywatch_collector_loop_longest_seconds",
        GAUGE,
        "Longest time between two turns in the last minute.",
    )
    takes = Family("buddywatch_store_writable", GAUGE, "1 while the store takes what the collector writes.")
    if pulse is not None:
        loop.add(pulse.age_s)
        longest.add(pulse.longest_s)
        takes.add(not pulse.problem)
    size = Family("buddywatch_store_size_bytes", GAUGE, "Size of the database with its log.")
    size.add(sum(path.stat().st_size for path in (db, db.with_name(db.name + "-wal")) if path.exists()))
    count, oldest = store.backlog()
    waiting = Family("buddywatch_outbox_waiting_messages", GAUGE, "Messages that are not delivered yet.")
    waiting.add(count)
    age = Family("buddywatch_outbox_oldest_age_seconds", GAUGE, "Age of the oldest of them; 0 without any.")
    age.add(0 if oldest is None else max(0.0, now - oldest))
    failures = Family("buddywatch_channel_failing_attempts", GAUGE, "Attempts in a row that the channel failed.")
    for name in channels:
        failures.add(store.channel(name).failures, channel=name)
    restarts = Family("buddywatch_part_restarts_total", COUNTER, "Restarts of a part of the collector by an error.")
    for part in parts:
        restarts.add(part.restarts, part=part.name)
    return [version, up, loop, longest, takes, size, waiting, age, failures, restarts]


def _refused_in_s(need: NeedLine) -> float | None:
    if need.failing_s is not None or need.verdict == watermark.REFUSED:
        return 0.0
    return need.forecast.in_s
