"""host/deploy/vmalert/buddywatch.yml: the same alerts as the built-in rules, in the real engines."""

import json
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from boards import SEED_FREE, SEED_REBOOTED, boot, kernel_event, snapshot
from buddywatch.store.store import Store
from metricengine import Engine
from system_parts import NEED_RM, buddywatch
from termtools import tool

TOP = Path(__file__).resolve().parent.parent.parent
RULES = TOP / "host" / "deploy" / "vmalert" / "buddywatch.yml"
NAMES = {
    "refused": "BuddywatchNeedRefused",
    "kernel_failure": "BuddywatchKernelFailure",
    "rebooted": "BuddywatchBoardRebooted",
}
NOT_TOLD = {"tight", "refused_within"}  # buddywatch reports neither beside `refused`; a forecast is not in the history
STEP_S, END_S = 5, 1400
WATCHED = [
    *(("buddywatch_need_verdict", verdict) for verdict in ("tight", "refused")),
    ("buddywatch_board_uptime_seconds", None),
    ("buddywatch_board_events_total", None),
]
LATER_S = 60  # they count time, and are evaluated every 10 s


def shot(seq, nr_free, begun, boot_id="0000b001"):
    return replace(snapshot(seq, nr_free, boot_id), time=begun + 5 * seq)


def fill(db: Path, begun: float) -> None:
    """All is well, then `rm` is refused for 5 minutes, as the kernel says too; later the board reboots."""
    with Store.open(db) as store:
        store.add_boot("xp", boot(started=begun))
        store.add_snapshots("xp", [shot(n, SEED_REBOOTED, begun) for n in range(1, 61)])
        store.add_snapshots("xp", [shot(n, SEED_FREE, begun) for n in range(61, 121)])
        store.add_event("xp", replace(kernel_event(121, 600_100), time=begun + 600.1))
        store.add_snapshots("xp", [shot(n, SEED_REBOOTED, begun) for n in range(122, 181)])
        store.add_boot("xp", boot("0000b002", "reboot", begun + 1000))
        store.add_snapshots("xp", [shot(n, SEED_REBOOTED, begun + 1000, "0000b002") for n in range(1, 61)])


def built_in(db: Path, config: Path) -> dict[str, float]:
    """By rule: when it fired first."""
    timeline = json.loads(buddywatch(db, config, "replay", "--json").out)["timeline"]
    return {change["rule"]: change["time"] for change in reversed(timeline) if change["to"] in ("firing", "noted")}


def unit_test(engine: Engine, begun: float, expected: dict[str, float]) -> str:
    """For `promtool test rules`: what a bridge has pushed, a poll in 5 s, and which alerts fire before and after."""
    series = []
    for (name, labels), samples in engine.samples.items():
        if (name, dict(labels).get("verdict")) in WATCHED:
            shown = ",".join(f'{label}="{value}"' for label, value in labels)
            values = {round((ms / 1000 - begun) / STEP_S): value for ms, value in samples.items()}
            steps = " ".join(str(values.get(step, "_")) for step in range(END_S // STEP_S))
            series.append({"series": f"{name}{{{shown}}}", "values": steps})
    checks = []
    for name, at in expected.items():
        firing = f'ALERTS{{alertname="{name}",alertstate="firing"}}'
        for eval_s, count in ((at - begun - 2 * STEP_S, 0), (at - begun + LATER_S, 1)):
            samples = [{"labels": "{}", "value": 1}] if count else []
            checks.append({"expr": f"count({firing})", "eval_time": f"{eval_s:.0f}s", "exp_samples": samples})
    others = "|".join([*expected, ""])
    never = f'count(max_over_time(ALERTS{{alertname!~"{others}",alertstate="firing"}}[{END_S}s]))'
    checks.append({"expr": never, "eval_time": f"{END_S - STEP_S}s", "exp_samples": []})
    test = {"interval": f"{STEP_S}s", "input_series": series, "promql_expr_test": checks}
    return json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "10s", "tests": [test]})  # JSON is YAML


def test_rules_are_what_prometheus_and_vmalert_take() -> None:
    subprocess.run([tool("promtool"), "check", "rules", str(RULES)], check=True, capture_output=True)
    subprocess.run([tool("vmalert"), "-dryRun", f"-rule={RULES}"], check=True, capture_output=True)


def test_they_fire_where_the_built_in_rules_do_and_nowhere_else(tmp_path: Path) -> None:
    db, config, begun = tmp_path / "a.db", tmp_path / "c.toml", float(int(time.time()) - 7200)
    fill(db, begun)
    with closing(Engine()) as engine:
        config.write_text(f'{NEED_RM}[[bridge]]\nname = "hq"\nurl = "{engine.url}"\n')
        own = built_in(db, config)
        assert own.keys() - NOT_TOLD == NAMES.keys()
        assert buddywatch(db, config, "bridge", "--once").code == 0
    test = tmp_path / "test.yml"
    test.write_text(unit_test(engine, begun, {name: own[rule] for rule, name in NAMES.items()}))
    done = subprocess.run([tool("promtool"), "test", "rules", str(test)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
