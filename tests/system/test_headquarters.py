"""`buddywatch fleet` asks the real engine about the boards of two sites, whose bridges have pushed to it."""

import json
import math
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import dashboards
import pytest
from buddywatch.config.bridges import FleetEngine
from buddywatch.fleet.engine import Engine
from buddywatch.fleet.pair import Absence, PairView
from buddywatch.store.store import Store
from headquarters import SILENT_S, SITES, Hq, other_engine
from metricengine import alertmanager, flush, free_port, victoria_metrics, vmalert
from system_parts import buddywatch
from termtools import tool
from waiting import wait_for

RULES = dashboards.TOP / "host" / "deploy" / "vmalert" / "buddywatch.yml"

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("headquarters")]


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hq]:
    folder, port = tmp_path_factory.mktemp("hq"), free_port()
    with victoria_metrics(folder, port) as url:
        yield Hq(folder, url)


def test_status_shows_the_boards_of_all_sites_worst_first(hq: Hq) -> None:
    done = hq.ask("status")
    assert (done.code, done.err) == (1, "")
    title, heading, *rows = done.out.splitlines()
    assert "5 boards: 2 FAIL 1 silent 2 ok" in title
    assert [row.split()[1] for row in rows] == ["roof/xp", "shed/slow", "roof/gone", "roof/xp-2", "shed/xp"]
    assert re.search(r" (rm|httpd) .* 0 .* since ", rows[0]) and "no data for 3 h" in rows[2]
    assert "LAST 7 DAYS" in heading and re.search(r" httpd +256k +\d+ +512k ", rows[4])


def test_status_says_what_the_stores_of_the_sites_say(hq: Hq) -> None:
    found = {(board["site"], board["name"]): board for board in json.loads(hq.ask("status", "--json").out)["boards"]}
    assert found.keys() == {(site, name) for site, kinds in SITES.items() for name in kinds}
    for site in SITES:
        own = json.loads(buddywatch(hq.folder / f"{site}.db", hq.folder / f"{site}.toml", "status", "--json").out)
        for board in own["boards"]:
            there = found[site, board["name"]]
            if board["name"] == "gone":
                assert there["free_bytes"] is None and there["age_s"] > SILENT_S
                continue
            for key in ("serviceable_bytes", "free_bytes"):
                assert there[key] == board[key]
            for need in board["needs"]:
                (same,) = [one for one in there["needs"] if one["name"] == need["name"]]
                assert {key: same[key] for key in ("bytes", "verdict", "margin_pages")} == {
                    key: need[key] for key in ("bytes", "verdict", "margin_pages")
                }
            assert [(one["rule"], one["need"], one["severity"], round(one["since"])) for one in there["alerts"]] == [
                (one["rule"], one["need"], one["severity"], round(one["since"])) for one in board["alerts"]
            ]


def test_alerts_are_the_open_ones(hq: Hq) -> None:
    found = json.loads(hq.ask("alerts", "--json").out)["alerts"]
    assert {(one["site"], one["board"], one["rule"], one["need"]) for one in found} >= {
        ("roof", "xp", "refused", "httpd")
    }
    shown = hq.ask("alerts")
    assert shown.code == 0 and re.search(r"^roof/xp +critical +refused +httpd ", shown.out, re.M)
    assert "roof/" not in hq.ask("alerts", "--site", "shed").out
    assert hq.ask("alerts", "--site", "nowhere").out == "no open alert\n"


def test_history_is_that_of_the_store_in_steps(hq: Hq) -> None:
    shown = json.loads(hq.ask("history", "xp", "--site", "roof", "--since", "2d", "--step", "1h", "--json").out)
    with Store.open_readonly(hq.folder / "roof.db") as store:
        free = {shot.time // 3600 * 3600: shot.free_pages * 4096 for shot in store.snapshots("xp")}
    assert {row["time"]: row["free_bytes"] for row in shown["rows"]} == {
        time: value for time, value in free.items() if time >= shown["rows"][0]["time"]
    }
    assert len(shown["rows"]) >= 40 and {"rm", "httpd"} == shown["rows"][-1]["needs"].keys()
    text = hq.ask("history", "gone", "--since", "8h", "--step", "1h").out
    assert "rm left" in text and re.search(r"-- no data for (2|3) h", text)


def test_history_since_boot_begins_with_the_newest_boot(hq: Hq) -> None:
    asked = ("history", "xp", "--site", "roof", "--since", "boot", "--step", "1h", "--json")
    first = json.loads(hq.ask(*asked).out)["rows"][0]
    with Store.open_readonly(hq.folder / "roof.db") as store:
        started = store.latest_boot("xp").started
    assert first["time"] - 3600 <= started < first["time"] + 3600


def test_a_map_has_a_sign_for_each_board(hq: Hq) -> None:
    shown = hq.ask("map")
    roof, roof_signs, shed, shed_signs = shown.out.splitlines()
    assert (roof, shed) == ("roof  3 boards: 1 FAIL 1 silent 1 ok", "shed  2 boards: 1 FAIL 1 ok")
    assert roof_signs in ("      ✖?✓", "      X?-") and shed_signs in ("      ✖✓", "      X-")
    assert json.loads(hq.ask("map", "--json").out)["sites"][1] == {
        "site": "shed", "boards": 2, "fails": 1, "soon": 0, "silent": 0, "alert": 0, "ok": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["history", "xp"], 2, "xp is at several sites; choose one: --site roof, shed"),
        (["history", "nobody"], 2, "no board 'nobody' had data in that time"),
        (["history"], 2, "fleet history needs a BOARD"),
        (["status", "xp"], 2, "fleet history needs a BOARD"),
        (["history", "xp", "--step", "1"], 2, "more than 10000 rows; choose a longer --step"),
        (["history", "xp", "--since", "1h", "--until", "2h"], 2, "--since is not before --until"),
        (["status", "--engine", "http://127.0.0.1:1"], 4, "http://127.0.0.1:1 cannot be reached (Connection refused)"),
        (["status", "--engine", "ftp://x"], 2, "'ftp://x': expected an address such as"),
    ],
)
def test_an_error_is_one_line(hq: Hq, arguments: list[str], code: int, said: str) -> None:
    done = hq.ask(*arguments)
    assert (done.code, done.out) == (code, "") and said in done.err and done.err.count("\n") == 1


def test_other_answers_are_told_without_the_token(hq: Hq) -> None:
    token, config = hq.folder / "token", hq.folder / "wrong.toml"
    token.write_text("s3cret\n")
    token.chmod(0o600)
    with other_engine() as (url, asked):
        config.write_text(f'[fleet]\nurl = "{url}"\ntoken_file = "token"\n')
        done = hq.ask("status", config=config)
        assert (done.code, "gave no answer of a Prometheus HTTP API" in done.err) == (4, True)
        assert asked == ["Bearer s3cret"] and "s3cret" not in done.err
    config.write_text("")
    assert "no [fleet] url in the configuration" in hq.ask("status", config=config).err
    refused = hq.ask("status", "--engine", f"{hq.url}/nothing")
    assert refused.code == 4 and re.search(r"answered 4\d\d", refused.err)


@pytest.mark.parametrize("query", list(dashboards.queries()), ids=lambda query: f"{query.dashboard}-{query.panel}")
def test_the_engine_answers_each_query_of_the_dashboards(hq: Hq, query: dashboards.Query) -> None:
    answers = [dashboards.answer(hq.url, query, board, time.time()) for board in ("xp", "slow")]
    (found, *_) = [series for series in answers if series]
    values = [float(point[1]) for series in found for point in series.get("values", [series.get("value")])]
    assert all(map(math.isfinite, values)) and values
    for label in re.findall(r"{{(\w+)}}", query.legend):
        assert all(series["metric"].get(label) for series in found)


def test_prometheus_takes_the_queries_of_the_dashboards_too(tmp_path: Path) -> None:
    rules = [{"record": f"x{number}", "expr": one.filled("xp")} for number, one in enumerate(dashboards.queries())]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "x", "rules": rules}]}))
    argv = [tool("promtool"), "check", "rules", str(tmp_path / "rules.yml")]
    done = subprocess.run(argv, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("path", dashboards.FILES, ids=lambda path: path.stem)
def test_a_dashboard_is_one_that_can_be_imported(hq: Hq, path: Path) -> None:
    found = dashboards.dashboard(path)
    panels = found["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for grid in (panel["gridPos"] for panel in panels)
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24
    assert {one["datasource"]["uid"] for panel in panels for one in (panel, *panel["targets"])} == {"${datasource}"}
    variables = {one["name"]: one for one in found["templating"]["list"]}
    used = set(re.findall(r"\$(\w+)", json.dumps([panel["targets"] for panel in panels]))) - {"__interval"}
    assert used <= variables.keys()
    label, of = re.fullmatch(r"label_values\((.+), (\w+)\)", variables["site"]["query"]["query"]).groups()[::-1]
    assert dashboards.ask(f"{hq.url}/api/v1/label/{label}/values?match[]={of}") == sorted(SITES)


def test_alertmanager_gets_an_alert_of_the_rules(hq: Hq, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES.read_text().replace("interval: 10s", "interval: 1s"))  # its first turn comes within that
    with alertmanager(tmp_path) as notified, vmalert(rules, hq.url, notified):

        def alerts() -> set[tuple[str, str, str]]:
            with urllib.request.urlopen(f"{notified}/api/v2/alerts", timeout=60) as answer:
                found = [one["labels"] for one in json.load(answer)]
            return {(one["alertname"], one.get("site", ""), one["board"]) for one in found}

        wait_for(lambda: ("BuddywatchBoardSilent", "roof", "gone") in alerts(), lambda: f"an alert; have {alerts()}")


@pytest.mark.parametrize(
    ("board", "made", "own", "expected"),
    [
        ("xp", -60, {"xp": -61}, True),
        ("xp", -29, {"xp": -30}, False),  # the first one was not seen since
        ("xp", -60, {"xp": -500}, True),  # it is silent, as the first one knows
        ("deaf", -60, {"deaf": -61}, False),  # the first one does not hear it
        ("deaf", -60, {"deaf": -300}, True),
        ("unknown", -60, {"unknown": -61}, False),
        ("", -60, {"xp": -61}, True),
        ("", -60, {"xp": -61, "deaf": -61}, False),
    ],
)
def test_a_spare_asks_whether_the_first_collector_knew(
    hq: Hq, board: str, made: float, own: dict[str, float], expected: bool
) -> None:
    now = time.time()
    seen_ms, heard = round(1000 * (now - 30)), {"xp": now - 31, "deaf": now - 300}
    lines = [f"buddywatch,site=pair,role=first pair_up=1i {seen_ms}"]
    lines += [
        f"buddywatch,site=pair,role=first,board={name} pair_heard_timestamp_seconds={at} {seen_ms}"
        for name, at in heard.items()
    ]
    urllib.request.urlopen(f"{hq.url}/write?precision=ms", "\n".join(lines).encode(), timeout=60).close()
    flush(hq.url)
    view = PairView(Engine(FleetEngine(hq.url)), "pair")
    assert view.is_first_aware(board, now + made, {name: now + at for name, at in own.items()}) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([("xp", -500)], True),
        ([("xp", -500), ("xp", -900)], True),
        ([("xp", -1001)], False),  # the first one was there, and may have been left the message
        ([("xp", -500), ("xp", -1001)], False),
        ([("xp", -299)], False),  # the spare may have left it to the first one, who was coming back
        ([("deaf", -500)], False),  # the spare did not hear it
        ([("unknown", -500)], False),
        ([], False),
    ],
)
def test_a_first_collector_asks_what_the_spare_reported_in_its_absence(
    hq: Hq, changes: list[tuple[str, float]], expected: bool
) -> None:
    now = time.time()
    lines, stamp_ms = (
        [f"buddywatch,site=away,role=spare pair_up=1i {round(1000 * (now - 30))}"],
        round(1000 * (now - 30)),
    )
    for name, at in (("xp", now - 31), ("deaf", now - 600)):
        lines.append(f"buddywatch,site=away,role=spare,board={name} pair_heard_timestamp_seconds={at} {stamp_ms}")
    urllib.request.urlopen(f"{hq.url}/write?precision=ms", "\n".join(lines).encode(), timeout=60).close()
    flush(hq.url)
    view = PairView(Engine(FleetEngine(hq.url)), "away")
    absence, asked = Absence(now - 1000, now - 100, 100), [(board, now + at) for board, at in changes]
    assert view.has_spare_reported(asked, absence) == expected
    assert not view.has_spare_reported(asked, absence._replace(until=now + 100, since=now - 1500))  # it is gone as well


def test_who_cannot_ask_reports_itself() -> None:
    view = PairView(Engine(FleetEngine("http://127.0.0.1:1")), "pair")
    assert not view.is_first_aware("xp", time.time() - 60, {})
    assert not view.has_spare_reported([("xp", 500)], Absence(0, 1000, 100))
