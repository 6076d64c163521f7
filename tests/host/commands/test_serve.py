"""`buddywatch serve` and [metrics]: real processes, a real browser, and Prometheus' own checker."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import rig
from browser import BACKGROUNDS, SCHEMES, WIDTHS, browsed, needs_browser, paper_sizes, probed
from livefleet import FAILING, FALLING, LEVEL, SILENT, tell
from smtp_server import SmtpServer
from termtools import tool
from waiting import DEADLINE_S, wait_for

CONFIG = '[[need]]\nname = "rm"\nbytes = 61440\n[[need]]\nname = "httpd"\nbytes = 200000\n'
KINDS = (("calm", LEVEL), ("soon", FALLING), ("bad", FAILING), ("gone", SILENT))


def fetched(url, **headers):
    """(status, body)."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=DEADLINE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.fixture
def fleet(buddywatch, store):
    buddywatch.config.write_text(CONFIG)
    with store.batch():
        for number, (name, kind) in enumerate(KINDS):
            tell(store, name, kind, time.time(), number=number)
    return buddywatch


@pytest.fixture
def url(fleet):
    """Where the fleet is served, without a collector."""
    process = fleet.start("serve", "--listen", "127.0.0.1:0")
    line = process.stdout.readline()
    assert line.startswith("http://127.0.0.1:"), process.communicate()[1]
    yield line.split()[0].rstrip("/")
    process.send_signal(signal.SIGTERM)
    assert process.wait(DEADLINE_S) == 0
    process.communicate()


def listens(url):
    try:
        return fetched(f"{url}/healthz")
    except OSError:  # nothing listens, or it ends just now
        return None


@pytest.fixture
def collected(fleet):
    """(url, collector, mail server): a collector with [metrics] and mail, on a link on which nobody is."""
    url = f"127.0.0.1:{rig.free_port()}"
    with SmtpServer() as mails:
        mail = f'[mail]\nto = ["a@b"]\nfrom = "c@d"\nserver = "127.0.0.1"\nport = {mails.port}\nsecurity = "none"\n'
        fleet.config.write_text(f'{CONFIG}[metrics]\nlisten = "{url}"\n{mail}')
        collector = fleet.start("collect", "--plain", "tcp://127.0.0.1:9")
        try:
            wait_for(lambda: listens(f"http://{url}"), "the page")
            yield f"http://{url}", collector, mails
        finally:
            collector.kill()
            collector.communicate()


def test_boards_are_worst_first_and_lead_to_their_pages(url):
    status, text = fetched(f"{url}/")
    rows = re.findall(r'<tr class="s\d"><td><span class="state">(\w+)</span></td><td><a href="([^"]+)">', text)
    assert status == 200 and [row[0] for row in rows] == ["FAILS", "FAILS", "silent", "ok"]
    assert "connection refused for 14m" in text and "NO COLLECTOR RUNS" in text
    assert '<meta http-equiv="refresh" content="10">' in text
    for path in [row[1] for row in rows]:
        status, page = fetched(url + path)
        assert status == 200 and '<a href="/">all boards</a>' in page and page.count("<svg ") == 3
        for chart in re.findall(r"<svg .*?</svg>", page, re.DOTALL):
            assert ET.fromstring(chart).find("{http://www.w3.org/2000/svg}desc").text
    assert "<b>1d</b>" in fetched(f"{url}/board/bad?since=1d")[1]
    assert fetched(f"{url}/board/nobody") == (404, "no such board; / has all boards\n")


def test_a_strangers_name_for_this_machine_is_refused(url):
    assert fetched(f"{url}/", Host="evil.example")[0] == 421
    assert fetched(f"{url}/", Host="localhost:1")[0] == 200


def test_status_is_that_of_the_command(url, fleet):
    served, said = json.loads(fetched(f"{url}/api/status")[1]), fleet("status", "--json").json
    for found in (served, said):
        for board in found["boards"]:
            del board["age_s"], board["links"]
    assert served == said and len(said["boards"]) == len(KINDS)


def test_prometheus_has_nothing_to_complain_about(url):
    promtool = tool("promtool")
    text = fetched(f"{url}/metrics")[1]
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    assert re.search(r'^buddywatch_need_margin_pages\{board="bad",need="rm"\} -\d+$', text, re.MULTILINE)
    assert 'buddywatch_need_verdict{board="calm",need="rm",verdict="ok"} 1\n' in text
    assert 'buddywatch_link_up{board="gone",link="telnet://gone:2323"} 0\n' in text
    assert "buddywatch_collector_up 0\n" in text and "buddywatch_store_size_bytes " in text


def test_health_without_a_collector(url):
    assert fetched(f"{url}/healthz") == (503, "no collector runs\n")


def test_a_collector_serves_and_is_well(collected):
    url, _, _ = collected
    wait_for(lambda: fetched(f"{url}/healthz") == (200, "ok\n"), lambda: f"health: {fetched(f'{url}/healthz')}")
    text = fetched(f"{url}/metrics")[1]
    assert "buddywatch_collector_up 1\n" in text and "buddywatch_store_writable 1\n" in text
    assert (
        "buddywatch_collector_loop_age_seconds " in text and 'buddywatch_part_restarts_total{part="page"} 0\n' in text
    )
    assert "NO COLLECTOR RUNS" not in fetched(f"{url}/")[1]


def test_mail_that_fails_is_bad_health(fleet):
    port, dead = rig.free_port(), rig.free_port()
    mail = f'[mail]\nto = ["a@b"]\nfrom = "c@d"\nserver = "127.0.0.1"\nport = {dead}\nsecurity = "none"\n'
    fleet.config.write_text(f'{CONFIG}[alert]\nbatch = 0\n[metrics]\nlisten = "127.0.0.1:{port}"\n{mail}')
    collector = fleet.start("collect", "--plain", "tcp://127.0.0.1:9")
    try:
        failed = re.compile(r"mail has failed for \w+: .*refused")
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: failed.match((listens(url) or (0, ""))[1]), lambda: f"mail to fail: {listens(url)}")
        assert listens(url)[0] == 503
    finally:
        collector.kill()
        collector.communicate()


def test_the_page_ends_with_its_collector_even_if_that_is_killed(collected):
    url, collector, _ = collected
    collector.kill()
    collector.communicate()
    wait_for(lambda: listens(url) is None, "the page to end")
    assert collector.returncode == -signal.SIGKILL


def test_the_page_is_started_again_and_status_says_so(collected, fleet):
    url, collector, _ = collected
    threads = Path(f"/proc/{collector.pid}/task").glob("*/children")
    children = [pid for thread in threads for pid in thread.read_text().split()]
    (pid,) = [pid for pid in children if b"\0serve\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(int(pid), signal.SIGKILL)
    wait_for(lambda: fleet("status", "--json").json["collector"]["page"]["restarts"] == 1, "the restart")
    wait_for(lambda: listens(url), "the page")
    assert collector.poll() is None


@pytest.mark.parametrize(
    ("listen", "said"),
    [
        ("localhost", "expected an address and a port"),
        ("127.0.0.1:99999", "expected an address and a port"),
        ("192.0.2.1:9471", "choose another address with --listen"),
    ],
)
def test_a_wrong_address_is_one_line(fleet, listen, said):
    result = fleet("serve", "--listen", listen)
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1
    fleet.config.write_text(f'{CONFIG}[metrics]\nlisten = "0.0.0.0:9471"\n')
    assert "everybody who reaches it can read the page" in fleet("check-config").out


@needs_browser
@SCHEMES
def test_pages_fit_every_width(url, tmp_path, scheme):
    for path, pictures in (("/", 0), ("/board/bad", 3)):
        text = re.sub('<meta http-equiv="refresh"[^>]*>', "", fetched(url + path)[1])
        for width, found in zip(WIDTHS, probed(text, tmp_path, scheme), strict=True):
            inner, whole, heights, background = found
            assert inner == width and whole <= width, path
            assert len(heights) == pictures and all(height >= 80 for height in heights)
            assert background == BACKGROUNDS[scheme]


@needs_browser
def test_a_browser_shows_and_prints_it_over_the_line(url, tmp_path):
    dom = browsed(f"{url}/", "--dump-dom")
    assert "buddywatch" in dom and ">bad</b>" in dom and "last 7 days" in dom
    sizes = paper_sizes(f"{url}/board/bad", tmp_path)
    assert sizes and set(sizes) <= {(595, 842), (596, 842), (594, 841)}
