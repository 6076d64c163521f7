"""The dashboards of host/deploy/grafana: their queries as Grafana sends them, and the answers of the real engine."""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent
FILES = sorted((TOP / "host" / "deploy" / "grafana").glob("*.json"))
INTERVAL_S = 60
WINDOW_S = 900


@dataclass(frozen=True)
class Query:
    """One query of a panel; legend: its labels in {{...}}."""

    dashboard: str
    panel: str
    expr: str
    legend: str
    is_instant: bool

    def filled(self, board: str) -> str:
        """As Grafana fills in the variables of the page."""
        values = {"site": ".*", "board": board, "__interval": f"{INTERVAL_S}s"}
        return re.sub(r"\$(\w+)", lambda found: values[found[1]], self.expr)


def dashboard(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def queries() -> Iterator[Query]:
    for path in FILES:
        for panel in dashboard(path)["panels"]:
            for target in panel["targets"]:
                yield Query(path.stem, panel["title"], target["expr"], target["legendFormat"], target["instant"])


def answer(url: str, query: Query, board: str, now: float) -> list[dict[str, Any]]:
    """The engine's series for it."""
    form = {"query": query.filled(board), "nocache": "1"}
    if query.is_instant:
        form |= {"time": str(now)}
    else:
        form |= {"start": str(now - WINDOW_S), "end": str(now), "step": f"{INTERVAL_S}s"}
    path = "query" if query.is_instant else "query_range"
    found: list[dict[str, Any]] = ask(f"{url}/api/v1/{path}?{urllib.parse.urlencode(form)}")["result"]
    return found


def ask(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as found:
        read = json.load(found)
    assert read["status"] == "success", read
    return read["data"]
