"""The rules and the planning of messages in simulated time."""

from pathlib import Path

import pytest
from boards import INTERVAL_S, START, boot, config, kernel_event, refused, snapshot
from buddywatch.model.alerts import KERNEL_FAILURE, REFUSED, SILENT
from buddywatch.replay.ordered import in_order
from buddywatch.replay.simulation import Simulation
from buddywatch.store.store import Store


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "replay.db") as opened:
        yield opened


def played(store, items, **alert):
    simulation = Simulation(store, config(**{"batch_s": 30, **alert}))
    for time, board, some in in_order([[("xp", item) for item in items]]):
        simulation.take(board, some, time)
    simulation.finish()
    return simulation


def changes(simulation, rule):
    return [
        (change.transition.from_, change.transition.to)
        for change in simulation.changes
        if change.transition.rule == rule
    ]


def test_refused_need_is_a_message_after_the_time_of_gathering(store):
    simulation = played(store, [boot(), *map(refused, range(1, 30))])
    assert changes(simulation, REFUSED) == [("ok", "pending"), ("pending", "firing")]
    (sent,) = simulation.sent
    fired = next(change for change in simulation.changes if change.transition.to == "firing")
    assert fired.sent is sent and 30 <= sent.time - fired.transition.time <= 32
    assert sent.message.subject and "rm" in sent.message.body


def test_end_of_a_recording_sends_what_waits_but_is_no_silence(store):
    simulation = played(store, [boot(), *map(refused, range(1, 4))])
    assert len(simulation.sent) == 1 and changes(simulation, SILENT) == []


def test_hole_in_a_recording_is_silence_until_data_come_again(store):
    after = 1 + 3600 // INTERVAL_S
    simulation = played(store, [boot(), *map(snapshot, (1, 2, 3)), *map(snapshot, range(after, after + 10))])
    assert changes(simulation, SILENT)[0] == ("ok", "firing") and changes(simulation, SILENT)[-1][1] == "ok"
    first = next(change for change in simulation.changes if change.transition.rule == SILENT)
    assert first.transition.time == pytest.approx(snapshot(3).time + 120, abs=1)


def test_open_alert_is_repeated(store):
    simulation = played(store, [boot(), *map(refused, range(1, 2 * 3600 // INTERVAL_S))], repeat_after_s=3600)
    assert [sent.changes for sent in simulation.sent] == [1, 0]
    reminder = simulation.sent[1]
    assert 0 <= reminder.time - reminder.message.payload["snapshots"][-1]["time"] <= 2 * INTERVAL_S


def test_kernel_failure_is_reported_with_the_kernels_line(store):
    simulation = played(store, [boot(), snapshot(1), kernel_event(2, 10_000), *map(snapshot, range(3, 20))])
    assert changes(simulation, KERNEL_FAILURE) == [("ok", "firing")]
    assert "Allocation of length 61440" in simulation.sent[0].message.body


def test_boards_are_replayed_in_the_order_of_time(store):
    simulation = Simulation(store, config())
    recordings = [[("a", boot()), ("a", snapshot(1)), ("a", snapshot(3))], [("b", boot()), ("b", snapshot(2))]]
    seen = [(board, time - START) for time, board, _ in in_order(recordings)]
    assert seen == [("a", 5), ("b", 10), ("a", 15)]
    assert simulation.sent == []
