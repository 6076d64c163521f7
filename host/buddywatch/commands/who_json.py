"""The answer of `who` as JSON."""

from __future__ import annotations

from typing import Any

from buddywatch.commands.who_answer import WhoAnswer
from buddywatch.model.lives import Life
from buddywatch.verdict.culprits import Record
from buddywatch.verdict.losses import Loss


def of(answer: WhoAnswer) -> dict[str, Any]:
    found = answer.findings
    return {
        "board": answer.board,
        "since": answer.since,
        "until": answer.until,
        "watched_s": found.watched_s,
        "need": {"name": answer.need, "block_bytes": answer.block_bytes},
        "sees_programs": answer.sees_programs,
        "processes_created": found.created,
        "unseen": {
            "starts": found.unseen,
            "period_s": found.unseen_period_s,
            "lost_bytes_per_run": _whole(answer.bytes_of(found.unseen_lost_pages)),
        },
        "programs": [_record(record, answer) for record in found.records],
        "lasting_losses": [_loss(loss, answer) for loss in found.losses],
    }


def _record(record: Record, answer: WhoAnswer) -> dict[str, Any]:
    return {
        "name": record.name,
        "starts": record.starts,
        "starts_per_hour": round(answer.starts_per_hour(record.starts), 2),
        "period_s": record.period_s,
        "bytes": record.pages * answer.page_bytes,
        "run_s": None if record.run_s is None else round(record.run_s),
        "running": record.running,
        "held_byte_s": _whole(answer.bytes_of(record.held_page_s)),
        "refusals": record.failures,
        "lost_bytes_per_run": _whole(answer.bytes_of(record.lost_pages)),
        "lost_bytes": _whole(answer.lost_in_all_bytes(record)),
        "left_bytes_per_run": _whole(answer.bytes_of(record.left_pages)),
    }


def _loss(loss: Loss, answer: WhoAnswer) -> dict[str, Any]:
    return {
        "boot_id": loss.boot_id,
        "time": answer.time_of(loss, loss.begin_s),
        "uptime_s": loss.begin_s,
        "until_uptime_s": loss.end_s,
        "bytes": loss.pages * answer.page_bytes,
        "near": [_near(life, answer) for life in loss.near],
    }


def _near(life: Life, answer: WhoAnswer) -> dict[str, Any]:
    return {
        "pid": life.pid,
        "name": life.name,
        "started_s": life.started_s,
        "bytes": life.pages * answer.page_bytes,
    }


def _whole(number: float | None) -> int | None:
    return None if number is None else round(number)
