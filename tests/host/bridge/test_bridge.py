"""A bridge pushes what is stored, each sample once, whatever the engine answers and whenever a frame comes."""

import time
from contextlib import closing
from dataclasses import replace

import pytest
from boards import BOOT_ID, SEED_FREE, START, boot, kernel_event, refused, snapshot
from buddywatch.bridge import bridge as bridge_module
from buddywatch.bridge.bridge import Pusher
from buddywatch.bridge.door import DoorError
from buddywatch.bridge.series import VERDICTS
from buddywatch.config.bridges import Bridge
from buddywatch.config.sections import Collector, Config, Need
from buddywatch.model.alerts import CLEARING, FIRING, OK, PENDING, Incident, Transition
from buddywatch.model.samples import Gap
from buddywatch.store.bridges import BridgeStore
from metricengine import Engine

RM = Need("rm", 61440, is_program=True)
SECOND = "0000b002"


@pytest.fixture
def engine():
    with closing(Engine()) as engine:
        yield engine


@pytest.fixture
def store(tmp_path):
    with BridgeStore.open(tmp_path / "a.db") as store:
        store.add_boot("xp", boot())
        yield store


@pytest.fixture
def lines():
    return []


@pytest.fixture
def new_pusher(tmp_path, engine, store, lines):
    """A bridge that starts anew, as after a kill."""

    def pusher(**settings):
        bridge = Bridge(**{"name": "hq", "url": engine.url, "timeout_s": 30} | settings)
        config = Config(Collector(tmp_path / "a.db"), needs=(RM,), bridges=(bridge,))
        return Pusher(store, config, bridge, lines.append)

    return pusher


def change(number, from_, to, at):
    of_alert = ("xp", "refused", "rm", from_, to, "critical")
    return Transition(0, number, *of_alert, at, 1, BOOT_ID, 1000, "text", False)


def seqs(engine, board="xp"):
    """The numbers of the snapshots that the engine has: shot n has 900 + n processes."""
    return sorted(
        round(value) - 900 for value in engine.values("buddywatch_board_processes_created_total", board=board).values()
    )


def test_a_snapshot_is_pushed_with_all_that_is_known_of_it(engine, store, new_pusher):
    store.add_snapshot("xp", refused(7))
    new_pusher(site="roof").push()
    time_ms = round(1000 * refused(7).time)
    of_board = {"board": "xp", "site": "roof"}
    for order, count in enumerate(SEED_FREE):
        blocks = engine.values("buddywatch_board_free_blocks", zone="DMA", order=str(order), **of_board)
        assert blocks == {time_ms: count}
    assert engine.values("buddywatch_board_mark_pages", mark="min", **of_board) == {time_ms: 90}
    assert engine.values("buddywatch_board_free_bytes", **of_board) == {time_ms: 821 * 4096}
    assert engine.values("buddywatch_board_serviceable_bytes", **of_board) == {time_ms: 32768}
    verdicts = {one: engine.values("buddywatch_need_verdict", verdict=one, **of_board)[time_ms] for one in VERDICTS}
    assert verdicts == {"ok": 0, "tight": 0, "refused": 1}
    margin = engine.values("buddywatch_need_margin_pages", need="rm", **of_board)[time_ms]
    assert margin < 0
    assert engine.values("buddywatch_need_margin_bytes", need="rm", **of_board) == {time_ms: 4096 * margin}


def times_sent(engine):
    """How often what belongs to a snapshot was sent. What is so now has the time of its push."""
    return {count for ((name, _), _), count in engine.times_sent.items() if name.startswith("buddywatch_board_free")}


def test_each_is_pushed_once_also_after_a_restart(engine, store, new_pusher):
    store.add_snapshots("xp", map(snapshot, range(1, 31)))
    pusher = new_pusher()
    pusher.push()
    pusher.push()
    store.add_snapshots("xp", map(snapshot, range(31, 41)))
    pusher.push()
    new_pusher().push()
    assert seqs(engine) == list(range(1, 41))
    assert times_sent(engine) == {1}


def test_what_came_late_is_pushed_too(engine, store, new_pusher):
    store.add_snapshots("xp", map(snapshot, (*range(1, 11), *range(16, 21))))
    pusher = new_pusher()
    pusher.push()
    store.add_snapshots("xp", map(snapshot, (12, 13)))
    pusher.push()
    store.add_snapshots("xp", map(snapshot, (11, 15)))
    new_pusher().push()
    assert seqs(engine) == [*range(1, 14), *range(15, 21)]
    assert times_sent(engine) == {1}


def test_what_came_late_for_a_boot_that_is_over_is_pushed_too(engine, store, new_pusher):
    store.add_snapshots("xp", map(snapshot, (1, 2, 5)))
    new_pusher().push()
    store.add_boot("xp", boot(SECOND, "reboot", START + 400))
    store.add_snapshot("xp", replace(snapshot(9, boot_id=SECOND), time=START + 500))
    store.add_snapshots("xp", map(snapshot, (3, 6)))
    new_pusher().push()
    assert seqs(engine) == [1, 2, 3, 5, 6, 9]


def test_frames_that_were_given_up_are_not_looked_for(engine, store, new_pusher):
    store.add_snapshots("xp", map(snapshot, (1, 2, 9)))
    store.add_gap("xp", Gap(BOOT_ID, 3, 8, "overwritten", START + 50))
    pusher = new_pusher()
    pusher.push()
    looked = []
    after = store.snapshots_after
    store.snapshots_after = lambda *place: looked.append(place) or after(*place)
    pusher.push()
    assert looked == []


def test_an_event_counts_its_kind_at_its_time(engine, store, new_pusher):
    store.add_event("xp", kernel_event(3, 15_000))
    new_pusher().push()
    store.add_event("xp", kernel_event(4, 20_000))
    store.add_snapshots("xp", map(snapshot, (1, 2, 5)))
    new_pusher().push()
    counts = {round(1000 * START) + 15_000: 1, round(1000 * START) + 20_000: 2}
    assert engine.values("buddywatch_board_events_total", kind="alloc") == counts
    assert seqs(engine) == [1, 2, 5]
    assert store.bridge_frames("hq") == {1: [(1, 5)]}


def test_an_open_alert_is_told_at_each_push_and_its_end_last(engine, store, new_pusher):
    """Also if it ended by a snapshot that is older than the push before."""
    labels = {"rule": "refused", "need": "rm", "severity": "critical"}
    opened = float(round(time.time()) - 600)
    number = store.add_incident(Incident(0, "xp", *labels.values(), FIRING, opened, None, "text", None, None))
    store.add_transition(change(number, PENDING, FIRING, opened), opened, False)
    pusher = new_pusher()
    pusher.push()
    pusher.push()
    of_alert = engine.values("buddywatch_alert_open", board="xp", **labels)
    assert min(of_alert) == round(1000 * opened) and set(of_alert.values()) == {1}
    sent = [count for ((name, _), _), count in engine.times_sent.items() if name == "buddywatch_alert_open"]
    assert sum(sent) == 3
    since = engine.values("buddywatch_alert_opened_timestamp_seconds", board="xp", **labels)
    assert set(since.values()) == {opened}
    store.set_incident_state(number, OK, opened + 300)
    store.add_transition(change(number, CLEARING, OK, opened + 300), opened + 300, False)
    pusher.push()
    assert of_alert[round(1000 * (opened + 300))] == 0 == of_alert[max(of_alert)]


@pytest.mark.parametrize("status", [500, 503, 429, 401, 404, 301])
def test_what_was_not_taken_waits(engine, store, new_pusher, status):
    store.add_snapshots("xp", map(snapshot, range(1, 6)))
    engine.answers = [(status, {"Retry-After": "7"})]
    pusher = new_pusher()
    with pytest.raises(DoorError, match=f"answered {status}") as found:
        pusher.push()
    assert found.value.after_s == 7.0
    assert engine.samples == {}
    pusher.push()
    assert seqs(engine) == [1, 2, 3, 4, 5]


def test_an_engine_that_is_away_is_waited_for(engine, store, new_pusher):
    store.add_snapshot("xp", snapshot(1))
    pusher = new_pusher(url="http://127.0.0.1:1/write?token=s3cret")
    with pytest.raises(DoorError, match=r"http://127\.0\.0\.1:1 cannot be reached") as found:
        pusher.push()
    assert "s3cret" not in str(found.value)
    new_pusher().push()
    assert seqs(engine) == [1]


def test_a_row_that_the_engine_refuses_is_set_aside_and_all_others_go_on(engine, store, new_pusher, lines, monkeypatch):
    monkeypatch.setattr(bridge_module, "BATCH_ITEMS", 8)
    store.add_snapshots("xp", map(snapshot, range(1, 31)))
    engine.refuses = f"processes_created_total={900 + 13}i "
    pusher = new_pusher()
    pusher.push()
    assert seqs(engine) == [seq for seq in range(1, 31) if seq != 13]
    assert store.bridge_state("hq").set_aside == 1
    assert [line for line in lines if "snapshot 13 of boot" in line and "answered 400" in line]
    engine.refuses = None
    new_pusher().push()
    assert 13 not in seqs(engine)
    assert times_sent(engine) == {1}


def test_only_the_wanted_boards_are_pushed_and_two_bridges_do_not_share(engine, store, new_pusher):
    store.add_boot("roof-1", boot())
    store.add_snapshot("roof-1", snapshot(1))
    store.add_snapshot("xp", snapshot(2))
    new_pusher(boards=("roof-*",)).push()
    assert {dict(labels)["board"] for _, labels in engine.samples} == {"roof-1"}
    new_pusher(name="other").push()
    assert seqs(engine) == [2] and seqs(engine, "roof-1") == [1]


def test_the_token_is_sent_and_the_precision_named(engine, store, new_pusher, tmp_path):
    (tmp_path / "token").write_text("t0k3n\n")
    (tmp_path / "token").chmod(0o600)
    store.add_snapshot("xp", snapshot(1))
    new_pusher(token_file=tmp_path / "token", scheme="Token", url=f"{engine.url}?db=hq").push()
    (path, headers, _), *_ = engine.requests
    assert path == "/write?db=hq&precision=ms" and headers["Authorization"] == "Token t0k3n"
