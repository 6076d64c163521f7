"""The rules of [pair] as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from buddywatch.config.problems import Problems


def check_pair(where: str, has_fleet: bool, bridges: Sequence[Mapping[str, Any]], problems: Problems) -> None:
    """Both collectors learn of each other by one engine, in which the site tells their boards from others."""
    if not has_fleet:
        problems.add(f"{where}: expected a section [fleet], which says how the engine is asked")
    if len(bridges) != 1 or "site" not in bridges[0]:
        problems.add(f"{where}: expected one [[bridge]], with a site, to the same engine")
