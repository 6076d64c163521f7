"""Whatever the links do: afterwards each frame is stored once, as it was made, or is in a gap that has a cause."""

import random
from itertools import pairwise

import pytest
from buddywatch.model.samples import BEFORE_CONTACT, OVERWRITTEN, REBOOT, UNDECODABLE, Event, Gap, Snapshot
from buddywatch.protocol.boots import NEEDED_FACTS
from buddywatch.protocol.layout import Layout
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from modelboard import facts
from trackerworld import World

ACTIONS = {
    World.poll: 12, World.poll_often: 2, World.event: 3, World.lose_a_line: 3, World.lose_many_lines: 1, World.cut: 1,
    World.hello: 2, World.ask: 6, World.disorder: 2, World.double: 2, World.damage: 2, World.splice: 1,
    World.deliver: 12, World.restart_agent: 1, World.reboot: 1, World.restart_collector: 2, World.close_ended: 1,
}  # fmt: skip
STEPS = st.lists(st.sampled_from([action for action, weight in ACTIONS.items() for _ in range(weight)]), max_size=120)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run(steps, made, ring_bytes, seed, largest=9):
    world = World(*made, ring_bytes, seed, largest)
    for step in steps:
        step(world)
    world.calm_down()
    return world


def check_contents(world):
    layout = Layout(world.board.static)
    truth = {(life.boot, number): what for life in world.lives for number, what in life.truth.items()}
    for (boot, number), value in world.rows.frames.items():
        what = truth[boot, number]
        if isinstance(value, Snapshot):
            assert what == ("snapshot", value.first_seq, value.seq, layout.vector(value))
        elif isinstance(value, Event):
            assert what == ("event", b"%d|alloc|61440|17|rm|%s" % (value.uptime_ms // 10, value.text.encode()))


def overtaken(world):
    """Whether the hello of an older boot, which came late, has made the collector believe for a while that it is new.

    What was missing of the last boot at that time was then lost "by reboot", though the board still had it.
    """
    return list(world.rows.boots)[-1] != world.board.boot


def check_gaps(world, exact):
    """The last boot is whole but for what its ring dropped; of the boots before it, nothing is left open."""
    rows, board = world.rows, world.board
    assert {n for boot, n in rows.frames if boot == board.boot} == set(range(1, board.following))
    for number in range(1, board.following):
        value = rows.frames[board.boot, number]
        if not isinstance(value, Gap) or overtaken(world):
            continue
        if exact or value.reason != UNDECODABLE:
            assert number < board.oldest, f"{number} is in the ring, which begins with {board.oldest}: {value}"
        assert value.reason in (OVERWRITTEN, BEFORE_CONTACT, UNDECODABLE)
        if value.reason == UNDECODABLE and exact:
            group = [n for n in board.group if board.group[n] == board.group[number] and n < number]
            assert any(isinstance(rows.frames[board.boot, n], Gap) for n in group)
    for life in world.lives[:-1]:
        numbers = {n for boot, n in rows.frames if boot == life.boot}
        assert numbers == set(range(1, max(numbers, default=0) + 1))


def check_times(world):
    for life in world.lives:
        snapshots = sorted((s for s in world.rows.snapshots if s.boot_id == life.boot), key=lambda s: s.seq)
        for before, after in pairwise(snapshots):
            assert after.time > before.time - 1e-3


SEEDS = st.integers(0, 2**32)
BOARD = facts()
LARGE = facts(zones=7, orders=11)  # 110 columns: with large numbers, a key frame is continued twice


@given(STEPS, st.sampled_from([400, 1500, 30_000]), SEEDS)
@UNHURRIED
def test_each_frame_is_stored_once_and_right_or_its_gap_has_a_cause(steps, ring_bytes, seed):
    world = run(steps, BOARD, ring_bytes, seed)
    check_contents(world)
    check_gaps(world, exact=True)
    check_times(world)


@given(STEPS, st.sampled_from([4000, 60_000]), SEEDS)
@UNHURRIED
def test_a_large_machine_whose_snapshots_take_several_frames(steps, ring_bytes, seed):
    world = run(steps, LARGE, ring_bytes, seed, largest=10**6)
    check_contents(world)
    check_gaps(world, exact=False)
    check_times(world)


@given(STEPS, SEEDS)
@UNHURRIED
def test_with_room_in_the_ring_nothing_is_lost_in_the_last_boot(steps, seed):
    for made, largest in ((BOARD, 9), (LARGE, 10**6)):
        world = run(steps, made, 1_000_000, seed, largest)
        assert overtaken(world) or world.board.boot not in {gap.boot_id for gap in world.rows.gaps}
        assert {gap.reason for gap in world.rows.gaps} <= {REBOOT, UNDECODABLE}


@given(STEPS, st.data(), SEEDS)
@UNHURRIED
def test_hellos_with_any_facts_are_taken(steps, data, seed):
    """A board may be wrong about itself; nothing raises, and the collector says what is wrong in a line."""
    key = data.draw(st.sampled_from(sorted(NEEDED_FACTS | {"z0", "key"})))
    value = data.draw(st.sampled_from(["", "-", "0", "7", "9" * 20, "up", "x/y", "0/N/3/1/2/3/4"]))
    world = World({**BOARD[0], key: value} if key != "interval_cs" else BOARD[0], BOARD[1], 1500, seed, 9)
    for step in steps:
        step(world)
    assert world.tracker.problem is None or "\n" not in world.tracker.problem


@pytest.mark.parametrize("seed", range(20))
def test_long_noisy_runs_end_whole(seed):
    """Thousands of frames over bad lines, with a ring that is too small now and then."""
    chooser = random.Random(seed)
    rarely = {World.restart_agent: 0.1, World.reboot: 0.1, World.restart_collector: 0.5, World.deliver: 20}
    steps = chooser.choices(list(ACTIONS), list({**ACTIONS, **rarely}.values()), k=1500)
    world = run(steps, BOARD, chooser.choice((1500, 30_000)), seed)
    check_contents(world)
    check_gaps(world, exact=True)
    check_times(world)
