"""`buddywatch fleet` asks the real engine about the boards of two sites, whose bridges have pushed to it."""

import contextlib
import http.server
import io
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import livefleet
import pytest
from buddywatch.cli import main
from buddywatch.store.store import Store
from metricengine import flush, free_port, victoria_metrics
from runner import Result
from system_parts import buddywatch

pytestmark = pytest.mark.xdist_group("fleet_command")

NEEDS = "".join(f'[[need]]\nname = "{need.name}"\nbytes = {need.bytes}\n' for need in livefleet.NEEDS)
SITES = {
    "roof": {"xp": livefleet.FAILING, "xp-2": livefleet.LEVEL, "gone": livefleet.LEVEL},
    "shed": {"xp": livefleet.LEVEL},
}
SILENT_S = 3 * 3600


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Hq"]:
    folder, port = tmp_path_factory.mktemp("hq"), free_port()
    with victoria_metrics(folder, port) as url:
        yield Hq(folder, url)


class Hq:
    """The engine that both sites have pushed to, and the configuration of somebody who asks it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.now = folder, url, time.time()
        for site, kinds in SITES.items():
            db, config = folder / f"{site}.db", folder / f"{site}.toml"
            with Store.open(db) as store:
                for number, (name, kind) in enumerate(kinds.items()):
                    now = self.now - (SILENT_S if name == "gone" else 0)
                    livefleet.tell(store, name, kind, now, days=2, number=number)
            config.write_text(f'{NEEDS}[[bridge]]\nname = "hq"\nurl = "{url}/write"\nsite = "{site}"\n')
            assert buddywatch(db, config, "bridge", "--once").code == 0
        flush(url)
        self.config = folder / "hq.toml"
        self.config.write_text(f'[fleet]\nurl = "{url}/"\n')

    def ask(self, *arguments: str, config: Path | None = None) -> Result:
        """In this process, as a test asks many times."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(["--config", str(config or self.config), "fleet", *arguments])
            except SystemExit as exit_:
                code = int(exit_.code or 0)
        shown = []
        for stream in (out, err):
            stream.flush()
            shown.append(stream.buffer.getvalue().decode())
        return Result(code, *shown)


def test_status_shows_the_boards_of_all_sites_worst_first(hq: Hq) -> None:
    done = hq.ask("status")
    assert (done.code, done.err) == (1, "")
    title, heading, *rows = done.out.splitlines()
    assert "4 boards: 1 FAIL 1 silent 2 ok" in title
    assert [row.split()[1] for row in rows] == ["roof/xp", "roof/gone", "roof/xp-2", "shed/xp"]
    assert re.search(r" (rm|httpd) .* 0 .* since ", rows[0]) and "no data for 3 h" in rows[1]
    assert "LAST 7 DAYS" in heading and re.search(r" httpd +256k +\d+ +512k ", rows[3])


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
    assert hq.ask("alerts", "--site", "shed").out == "no open alert\n"


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


def test_a_map_has_a_sign_for_each_board(hq: Hq) -> None:
    shown = hq.ask("map")
    roof, roof_signs, shed, shed_signs = shown.out.splitlines()
    assert (roof, shed) == ("roof  3 boards: 1 FAIL 1 silent 1 ok", "shed  1 board: 1 ok")
    assert roof_signs in ("      ✖?✓", "      X?-") and shed_signs in ("      ✓", "      -")
    assert json.loads(hq.ask("map", "--json").out)["sites"][1] == {
        "site": "shed", "boards": 1, "fails": 0, "soon": 0, "silent": 0, "alert": 0, "ok": 1,
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


@contextlib.contextmanager
def other_engine() -> Iterator[tuple[str, list[str]]]:
    """A server that is no engine; its URL, and the tokens that it was sent."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.headers["Authorization"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
