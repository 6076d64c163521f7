"""The sign of life: a file's time and a URL, while all is well."""

import os
import threading

import pytest
from buddywatch.config.sections import Heartbeat
from buddywatch.notify.heartbeat import HeartbeatSender
from waiting import DEADLINE_S, wait_for
from webserver import Web


@pytest.fixture
def web():
    made = Web()
    yield made
    made.close()


def test_a_beat_fetches_the_url_and_touches_the_file(web, tmp_path):
    HeartbeatSender(Heartbeat(60, web.url, tmp_path / "alive"), lambda: True, print).beat()
    assert [(method, path) for method, path, _, _ in web.got] == [("GET", "/hook?token=s3cret")]
    assert (tmp_path / "alive").exists()


def test_an_error_is_reported_once_and_again_after_it_was_over(web, tmp_path):
    reports = []
    sender = HeartbeatSender(Heartbeat(60, web.url), lambda: True, reports.append)
    for status in (500, 500, 200, 500):
        web.status = status
        sender.beat()
    assert len(reports) == 2 and "answered 500" in reports[0] and "s3cret" not in reports[0]


def test_nothing_is_sent_while_the_collector_does_not_work(tmp_path):
    well = threading.Event()
    sender = HeartbeatSender(Heartbeat(0.01, None, tmp_path / "alive"), well.is_set, print)
    thread = threading.Thread(target=sender.run)
    thread.start()
    assert not (tmp_path / "alive").exists()
    well.set()
    wait_for((tmp_path / "alive").exists, "the file")
    os.utime(tmp_path / "alive", (0, 0))
    wait_for(lambda: (tmp_path / "alive").stat().st_mtime > 0, "the next beat")
    sender.stop()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
