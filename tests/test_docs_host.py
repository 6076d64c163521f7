"""The pages about buddywatch: commands, links, configuration, exit codes, rules, and the service's unit."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import docs_pages
import docs_tables
import pytest
from buddyd import watermark
from buddywatch.alerts import incidents, signals
from buddywatch.alerts.evaluate import RECENTLY_S
from buddywatch.alerts.plan import MAIL_INTERVAL_BATCHES
from buddywatch.cli import COMMANDS, build_parser
from buddywatch.collect import console_server, twins, wall_clock
from buddywatch.config import sections
from buddywatch.config.load import load
from buddywatch.config.sections import DEFAULT_NEEDS, Alert
from buddywatch.links import backoff, connection, listen, login, urls
from buddywatch.links.serial import BAUD
from buddywatch.links.urls import TELNET_PORT, open_link, split_board
from buddywatch.model.alerts import RULES, WARNING
from buddywatch.notify.outbox import PERMANENT_LIMIT_S, RETRY_S
from buddywatch.store.write import CONSOLE_LINES_MAX
from docs_pages import DOCS, GUIDES, TOP, Typed
from programfiles import flat
from runner import Runner
from test_docs import command_parser

COMMANDS_PAGE = DOCS / "reference" / "commands.md"
LINKS = DOCS / "reference" / "links.md"
CONFIGURATION = DOCS / "reference" / "configuration.md"
VERDICT = DOCS / "how-it-works" / "verdict.md"
ALERTS = DOCS / "how-it-works" / "alerts.md"
MAIL = DOCS / "how-to" / "send-mail.md"
LOGIN = DOCS / "how-to" / "board-behind-a-login.md"
HUSH = DOCS / "how-to" / "board-without-agent.md"
TALK = DOCS / "how-to" / "talk-to-a-board.md"
SERVICE = DOCS / "how-to" / "run-as-a-service.md"
UNIT = TOP / "host" / "deploy" / "buddywatch.service"
OF_EVERY_COMMAND = "[-h] [--db FILE] [--config FILE] [--debug]"
SHOWN = [
    typed
    for page in GUIDES
    for typed in docs_pages.typed(page)
    if typed.output and re.match("buddywatch (need|explain|silence|decode) ", typed.line)
]
SAMPLES = [
    pytest.param(block.text, id=f"{docs_pages.name_of(page)}-{number}")
    for page in GUIDES
    for number, block in enumerate(docs_pages.blocks(page, "toml"))
]


section = docs_pages.section


def rest_s() -> int:
    """Between two messages about one board."""
    return MAIL_INTERVAL_BATCHES * Alert().batch_s


@pytest.mark.parametrize("source", docs_tables.TABLES)
def test_table_is_the_one_made_from_the_code(source: str) -> None:
    _, make = docs_tables.TABLES[source]
    assert docs_tables.written(source) == make(), "run: python tests/docs_tables.py"


@pytest.mark.parametrize("name", COMMANDS)
def test_usage_in_the_table_is_that_of_the_help(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    usage = command_parser(name).format_usage().removeprefix("usage: ").replace(OF_EVERY_COMMAND, "")
    written = {docs_pages.code(row[0])[0] for row in docs_pages.rows(section(COMMANDS_PAGE, "Commands"))}
    assert " ".join(usage.split()) in written


def test_exit_codes_are_those_of_the_help() -> None:
    epilog = str(build_parser([]).epilog)
    expected = [line.split(maxsplit=1) for line in epilog.splitlines()[1:]]
    assert docs_pages.rows(section(COMMANDS_PAGE, "Exit codes")) == expected


@pytest.mark.parametrize("row", docs_pages.rows(section(LINKS, "Kinds")), ids=lambda row: row[0])
def test_link_of_the_table_is_one(row: list[str]) -> None:
    (url,) = docs_pages.code(row[0])
    open_link(url.replace("HOST:PORT", "host:7000").replace("ADDRESS:PORT", "127.0.0.1:7000"))


def test_board_is_named_behind_the_other_options_of_a_link() -> None:
    url, board = split_board("serial:///dev/ttyUSB0?baud=9600&dtr=false&rts=false&board=cellar")
    assert board == "cellar"
    open_link(url)


@pytest.mark.parametrize("text", SAMPLES)
def test_sample_configuration_is_valid(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for program in re.findall(r'^program = "(.+?)"', text, re.MULTILINE):
        (tmp_path / program).parent.mkdir(exist_ok=True)
        (tmp_path / program).write_bytes(flat())
    for password in re.findall(r'^(?:password|secret|sign|token)_file = "(.+?)"', text, re.MULTILINE):
        (tmp_path / password).write_text("a secret of 16 or more\n".replace(" ", "-"))
        (tmp_path / password).chmod(0o600)
    for command in set(re.findall(r'^command = \["(.+?)"', text, re.MULTILINE)) - {"sh"}:
        program = tmp_path / Path(command).name
        program.touch(0o755)
        text = text.replace(f'"{command}"', f'"{program}"')
    runner = Runner(tmp_path, capsys)
    runner.config.write_text(text)
    result = runner("check-config")
    assert (result.code, result.err) == (0, "")
    assert f"{runner.config}: valid" in result.out
    if "[mail]" in text or "[[hook]]" in text:
        assert "nobody gets the alerts" not in result.out


def test_without_configuration_the_page_says_what_is_judged() -> None:
    (need,) = DEFAULT_NEEDS
    assert f"`{need.name}` = {need.bytes} bytes" in docs_pages.flat(docs_pages.prose(CONFIGURATION))


def test_default_places_are_those_of_the_page(tmp_path: Path) -> None:
    (tmp_path / ".config/buddywatch").mkdir(parents=True)
    (tmp_path / ".config/buddywatch/config.toml").touch()
    config = load(None, {"HOME": str(tmp_path)})
    assert config.path == tmp_path / ".config/buddywatch/config.toml"
    assert config.collector.db == tmp_path / ".local/share/buddywatch/buddywatch.db"
    text = docs_pages.prose(CONFIGURATION)
    assert "~/.config/buddywatch/config.toml" in text
    assert "~/.local/share/buddywatch`" in text
    assert load(None, {"HOME": str(tmp_path), "STATE_DIRECTORY": "/x"}).collector.db == Path("/x/buddywatch.db")


def test_rules_of_the_verdict_are_all_named() -> None:
    tables = docs_pages.rows(docs_pages.prose(VERDICT))
    assert [docs_pages.code(row[0])[0] for row in tables if docs_pages.code(row[0])] == [
        *watermark.RULES,
        watermark.OK,
        watermark.TIGHT,
        watermark.REFUSED,
    ]


def test_example_of_a_verdict_is_computed_right() -> None:
    text = docs_pages.flat(docs_pages.prose(VERDICT))
    counts = [int(word) for word in re.findall(r"`((?:\d+ ){10}\d+)`", text)[0].split()]
    zones = [(counts, 90, 112, 0, 0)]
    assert watermark.judge(zones, 4, "old", watermark.EXEC_PAGES) == ("refused", -5)
    assert watermark.judge(zones, 4, "new", watermark.EXEC_PAGES) == ("ok", 0)
    (hardest,) = [test for test in watermark.trace(counts, 4, 90, 0, "old", 90) if test[0] == 4]
    assert hardest == (4, 16, 21)
    assert "2^4 + (90 >> 4) = 21 pages in blocks of 64 kB or larger, and there are 16" in text
    assert f"with {watermark.EXEC_PAGES} single pages less" in text
    assert f"(order {watermark.COSTLY_ORDER})" in text


def test_alert_rules_and_their_defaults_are_those_of_the_code() -> None:
    table = docs_pages.rows(section(ALERTS, "Rules"))
    assert {docs_pages.code(row[0])[0]: row[3] for row in table} == {
        rule: getattr(Alert(), rule, WARNING) for rule in RULES
    }


@pytest.mark.parametrize(
    ("page", "title", "words"),
    [
        (ALERTS, "Rules", f"in {Alert().hold_samples} received snapshots (`hold_samples`)"),
        (ALERTS, "Rules", f"in {Alert().clear_samples} snapshots in a row (`clear_samples`)"),
        (ALERTS, "Rules", f"| {Alert().clear_samples} snapshots have come"),
        (ALERTS, "Rules", f"for {Alert().silent_after_s // 60} minutes (`silent_after`)"),
        (ALERTS, "Rules", f"at least {signals.SILENT_INTERVALS} of the board's intervals"),
        (ALERTS, "Messages", f"within {Alert().batch_s} s (`batch`)"),
        (ALERTS, "Messages", f"after {rest_s() // 60} minutes ({MAIL_INTERVAL_BATCHES} x `batch`)"),
        (ALERTS, "Messages", f"after {Alert().repeat_after_s // 3600} hours (`repeat_after`)"),
        (ALERTS, "Rules", f"the last {RECENTLY_S // 3600} hours"),
        (ALERTS, "Rules", "an hour of its uptime" if signals.KERNEL_QUIET_MS == 3_600_000 else "another time"),
        (ALERTS, "Rules", "more than a minute late" if incidents.LATE_AFTER_S == 60 else "another time"),
        (DOCS / "how-it-works" / "wire.md", "Time", f"set by {wall_clock.STEP_S:.0f} s or more"),
        (MAIL, "By SMTP", f"STARTTLS on port {sections.PORTS['starttls']}"),
        (MAIL, "By SMTP", f"on port {sections.PORTS['tls']}"),
        (MAIL, "By SMTP", f"port {sections.PORTS['none']}; with a login"),
        (MAIL, "When the mail server is dead", "1, 2, 5, 15, 30 and 60 minutes and then every hour"),
        (MAIL, "When the mail server is dead", "for a day" if PERMANENT_LIMIT_S == 86400 else "for another time"),
        (LINKS, "Kinds", f"{BAUD} is the default"),
        (LINKS, "Kinds", f"{TELNET_PORT} if no port is given"),
        (HUSH, "Board without an agent", f"port {TELNET_PORT} if none is given"),
        (LOGIN, "Board behind a login", f"up to {urls.EXEC_MAX} bytes"),
        (LOGIN, "Board behind a login", f"for {login.REST_S:.0f} s at least"),
        (LOGIN, "Board behind a login", f"after {login.REJECTED_REST_S / 60:.0f} minutes only"),
        (HUSH, "Board without an agent", f"time between polls, {urls.INTERVAL_S} if not given"),
        (HUSH, "No poll starts a process", f"left alone for {login.REJECTED_REST_S / 60:.0f} minutes"),
        (TALK, "Through the collector", f"A line may have {console_server.TYPED_MAX} characters"),
        (TALK, "Through the collector", f"at most {console_server.CLIENTS_MAX} consoles are open"),
        (LINKS, "What every link does", f"the newest {CONSOLE_LINES_MAX:,} lines"),
        (LINKS, "Two boards with one name", f"for {twins.LAG_S:.0f} s."),
        (LINKS, "Kinds", f"up to {listen.CONNECTIONS_MAX} at once"),
        (LINKS, "What every link does", "up to a minute" if backoff.LONGEST_S == 60 else "up to another time"),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_number_on_the_page_is_that_of_the_code(page: Path, title: str, words: str) -> None:
    assert words in docs_pages.flat(section(page, title))


def test_retries_of_mail_are_those_of_the_page() -> None:
    assert RETRY_S == (60, 120, 300, 900, 1800, 3600)


def test_keepalive_is_shorter_than_the_agents_patience() -> None:
    assert connection.KEEPALIVE_S < 600


@pytest.mark.parametrize("typed", SHOWN, ids=lambda typed: typed.line)
def test_shown_output_is_the_true_one(
    typed: Typed, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(TOP)
    runner = Runner(tmp_path, capsys)
    if "busybox.flat" in typed.line:
        monkeypatch.chdir(tmp_path)
        Path("busybox.flat").write_bytes(flat(text=100_000, data=8_000, bss=30_000, stack=4096))
    if "silence" in typed.line:
        runner.config.write_text('[[board]]\nname = "xport-07"\n')
        make_store = ["collect", "--plain", "--for", "0.1", "listen://127.0.0.1:0"]
        with runner.start(*make_store) as process:
            process.communicate()
    (words,) = docs_pages.simple_commands(typed.line)
    shown = [re.escape(line).replace(r"\.\.\.", "(?s:.*)") for line in typed.output.splitlines()]
    pattern = re.sub(r"\d{4}\\-\d\d\\-\d\d\\ \d\d:\d\d:\d\d\\ \\\+\d{4}", r"\\d{4}-.{20}", "\n".join(shown) + "\n")
    assert re.fullmatch(pattern, runner(*words[1:]).out), runner(*words[1:]).out


# --- the unit ---


def test_unit_starts_a_command_that_exists() -> None:
    (start,) = re.findall(r"^ExecStart=(.+)$", UNIT.read_text(), re.MULTILINE)
    program, *arguments = start.split()
    assert program == "buddywatch"
    page = (DOCS / "how-to/install-the-collector.md").read_text()
    assert "ln -s /opt/buddywatch/bin/buddywatch /usr/local/bin/" in page
    assert build_parser(arguments).parse_args(arguments).config == "/etc/buddywatch/config.toml"


def test_unit_keeps_its_state_where_the_page_says() -> None:
    assert "StateDirectory=buddywatch\n" in UNIT.read_text()
    assert 'db = "/var/lib/buddywatch/buddywatch.db"' in SERVICE.read_text()


@pytest.mark.parametrize("credential", [False, True], ids=["as-it-is", "with-credential"])
def test_unit_is_one_that_systemd_accepts(credential: bool, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not on this machine")
    text = UNIT.read_text().replace("=buddywatch --config", f"={sys.executable} --config")
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("#LoadCredential=", "LoadCredential=") if credential else text)
    done = subprocess.run([analyze, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert complaints == []
