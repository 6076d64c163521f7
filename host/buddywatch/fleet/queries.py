"""What is asked of the engine, in its language (MetricsQL). Pure.

`[10m]` is longer than a bridge may be behind, and short enough that 10,000 boards are no burden: only the age of a
board's data is looked for in a whole day.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable

LATELY_S = 600.0
SEEN_S = 86_400.0
_STATE = (
    "board_free_bytes",
    "board_serviceable_bytes",
    "board_lost_snapshots_total",
    "need_bytes",
    "need_margin_pages",
    "need_usable_blocks",
    "need_verdict",
    "need_refused_in_seconds",
    "need_refused_low_seconds",
    "need_refused_high_seconds",
)


def selector(name: str, site: str | None, board: str | None = None, of: str = "") -> str:
    """The series of this name; of: more conditions, such as 'verdict="refused"'."""
    conditions = [f"site={json.dumps(site)}"] * (site is not None) + [f"board={json.dumps(board)}"] * bool(board)
    return f"buddywatch_{name}{{{','.join([*conditions, *filter(None, [of])])}}}"


def newest(site: str | None) -> str:
    """When the newest sample of each board was made, seconds since 1970."""
    return f"tlast_over_time({selector('board_uptime_seconds', site)}[{SEEN_S:.0f}s])"


def started(site: str, board: str) -> str:
    """When the board started, by its newest sample, seconds since 1970."""
    uptime = f"{selector('board_uptime_seconds', site, board)}[{SEEN_S:.0f}s]"
    return f"tlast_over_time({uptime}) - last_over_time({uptime})"


def state(site: str | None) -> str:
    """The last values of each board and need; of verdicts only those that are."""
    names = "|".join(f"buddywatch_{name}" for name in _STATE)
    conditions = [f'__name__=~"{names}"'] + [f"site={json.dumps(site)}"] * (site is not None)
    return f"last_over_time({{{','.join(conditions)}}}[{LATELY_S:.0f}s])"


def open_alerts(site: str | None) -> str:
    """Since when each open alert is, seconds since 1970."""
    of_alert = "on (board, site, rule, need, severity)"
    opened = f"last_over_time({selector('alert_opened_timestamp_seconds', site)}[{LATELY_S:.0f}s])"
    return f"{opened} and {of_alert} (last_over_time({selector('alert_open', site)}[{LATELY_S:.0f}s]) == 1)"


def sites(site: str | None, board: str, span_s: float) -> str:
    """One series for each site at which the board had data within this time."""
    return f"tlast_over_time({selector('board_uptime_seconds', site, board)}[{max(span_s, 1):.0f}s])"


def trends(boards: Iterable[tuple[str, str]], step_s: float) -> str:
    """The fewest usable blocks in each step, of these (site, board)."""
    sites, names = ("|".join(sorted({re.escape(text) for text in texts})) for texts in zip(*boards, strict=True))
    of_boards = f"board=~{json.dumps(names)},site=~{json.dumps(sites)}"
    return f"min_over_time(buddywatch_need_usable_blocks{{{of_boards}}}[{step_s:.0f}s])"


def uptimes(site: str | None, boards: Iterable[str], span_s: float) -> str:
    """The uptime in each snapshot of these boards within this time."""
    names = "|".join(sorted(re.escape(board) for board in boards))
    return f"{selector('board_uptime_seconds', site, of=f'board=~{json.dumps(names)}')}[{math.ceil(span_s)}s]"


def pair_seen(site: str | None, role: str) -> str:
    """When this one of two collectors has pushed last."""
    return f"tlast_over_time({selector('pair_up', site, of=f'role={json.dumps(role)}')}[{SEEN_S:.0f}s])"


def pair_heard(site: str | None, role: str) -> str:
    """Up to when it had each board."""
    of_role = f"role={json.dumps(role)}"
    return f"last_over_time({selector('pair_heard_timestamp_seconds', site, of=of_role)}[{LATELY_S:.0f}s])"


def course(name: str, site: str | None, board: str, step_s: float) -> str:
    """The least value of each step."""
    return f"min_over_time({selector(name, site, board)}[{step_s:.0f}s])"
