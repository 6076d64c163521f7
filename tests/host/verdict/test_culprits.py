"""Who costs the large blocks: jobs of known guilt on a simulated board are named in the order of their guilt."""

import random
from dataclasses import replace

import pytest
from buddywatch.model.lives import Life
from buddywatch.verdict.culprits import find
from buddywatch.verdict.lives import lives_of
from buddywatch.verdict.room import Point
from jobboard import BOOT_ID, HOUR_S, ORDER, Job, JobBoard

SEEDS = 20
LEAST_RIGHT = 19
LOGGER = Job("logger", 60, 0, (3, 25), 0.8)
FETCHER = Job("fetcher", 60, 30, (10, 50), 0.3)
CLOCK = Job("clock", 60, 15, (5, 40), 0.0)
BLOCK_PAGES = 1 << ORDER


def played(seed: int, jobs=(LOGGER, FETCHER, CLOCK), hours=2):
    """What is found of a board on which they run, each at a second of the minute that the seed chooses."""
    chance = random.Random(seed)
    board = JobBoard([replace(job, phase_s=chance.randrange(60)) for job in jobs], str(seed))
    board.play(hours * HOUR_S)
    return find({BOOT_ID: board.points}, lives_of(board.seen), board.failures, ORDER), board


@pytest.mark.slow
def test_ranking_has_the_order_of_guilt() -> None:
    orders = []
    for seed in range(SEEDS):
        found, _ = played(seed)
        orders.append([record.name for record in found.records if record.starts])
    assert sum(order == ["logger", "fetcher", "clock"] for order in orders) >= LEAST_RIGHT, orders


def test_a_run_costs_its_share_of_guilt_of_a_block() -> None:
    found, board = played(1)
    by_name = {record.name: record for record in found.records}
    for job in (LOGGER, FETCHER, CLOCK):
        record = by_name[job.name]
        assert record.lost_pages == pytest.approx(job.guilt * BLOCK_PAGES, abs=2.5)
        assert record.period_s == 60
        assert record.pages == 15
        assert record.failures == board.failures[job.name] > 0
    resident = by_name["buddyd"]
    assert (resident.starts, resident.running, resident.run_s, resident.lost_pages) == (0, 1, None, None)
    assert resident.held_page_s == pytest.approx(33 * found.watched_s)


def test_what_is_not_seen_is_counted() -> None:
    found, board = played(2, (LOGGER, Job("blink", 90, 7, (0, 1), 0.0)), hours=1)
    blinks = sum(record.starts for record in found.records if record.name == "blink")
    assert blinks < 20 < found.unseen  # of 40
    seen = sum(record.starts for record in found.records)
    assert found.created == found.unseen + seen
    assert found.created == pytest.approx(board.points[-1].created - board.points[0].created, abs=2)


def test_loss_is_shared_out_by_the_files_that_stay() -> None:
    """The tail of the innocent is taken by the other's page, so by starts and ends alone the innocent one costs all."""
    points, lives, room, files = [], [], 1000, 10
    for minute in range(40):
        start = 60 * minute
        for second in range(0, 60, 5):
            files += second == 5
            room -= 16 * (second == 30)
            taken = (5 <= second < 20) + (25 <= second < 30)
            points.append(Point(start + second, room - 16 * taken, minute, files))
        lives.append(Life(BOOT_ID, 2 * minute, "guilty", start + 2, start + 20, start + 20, 15))
        lives.append(Life(BOOT_ID, 2 * minute + 1, "innocent", start + 22, start + 30, start + 30, 15))
    found = {record.name: record for record in find({BOOT_ID: points}, lives, {}, ORDER).records}
    assert [record.left_pages for record in found.values()] == [pytest.approx(1, abs=0.1), 0]
    assert list(found) == ["guilty", "innocent"]
    assert found["guilty"].lost_pages == pytest.approx(BLOCK_PAGES, abs=1)
    assert found["innocent"].lost_pages == 0
    unknown = [replace(point, file_pages=None) for point in points]
    by_ends = {record.name: record for record in find({BOOT_ID: unknown}, lives, {}, ORDER).records}
    assert by_ends["innocent"].lost_pages == pytest.approx(BLOCK_PAGES, abs=1)
    assert by_ends["guilty"].left_pages is None


def test_files_that_are_too_few_for_the_loss_do_not_explain_it() -> None:
    points, lives = [], []
    for minute in range(40):
        lives.append(Life(BOOT_ID, minute, "holder", 60 * minute + 2, 60 * minute + 20, 60 * minute + 20, 15))
        for second in range(0, 60, 5):
            points.append(Point(60 * minute + second, 9000 - 160 * (minute + (second >= 5)), minute, minute // 10))
    (record,) = find({BOOT_ID: points}, lives, {}, ORDER).records
    assert record.lost_pages == pytest.approx(160, abs=1)


def test_jobs_that_always_run_together_share_what_they_cost() -> None:
    twins = [replace(LOGGER, guilt=1.0, run_s=(12, 12.1)), replace(CLOCK, name="twin", phase_s=0, run_s=(12, 12.1))]
    board = JobBoard(twins, "twins")
    board.play(HOUR_S)
    found = find({BOOT_ID: board.points}, lives_of(board.seen), board.failures, ORDER)
    costs = {record.name: record.lost_pages for record in found.records if record.starts}
    assert costs["logger"] + costs["twin"] == pytest.approx(BLOCK_PAGES, abs=1.5)


def test_board_that_counts_no_processes_and_programs_that_are_refused_only() -> None:
    points = [Point(5.0 * number, 100, None) for number in range(20)]
    found = find({BOOT_ID: points}, [], {"rm": 3}, ORDER)
    assert (found.created, found.unseen, found.unseen_lost_pages) == (None, None, None)
    (record,) = found.records
    assert (record.name, record.failures, record.starts, record.pages, record.lost_pages) == ("rm", 3, 0, 0, None)


def test_life_outside_the_time_watched_does_not_count() -> None:
    points = [Point(1000 + 5.0 * number, 100, 50) for number in range(20)]
    before = Life(BOOT_ID, 7, "old", 100, 900.0, 900.0, 15)
    running = Life(BOOT_ID, 8, "resident", 100, 1090.0, None, 15)
    other = Life("0000b002", 9, "elsewhere", 1010, 1020.0, 1020.0, 15)
    found = find({BOOT_ID: points}, [before, running, other], {}, ORDER)
    assert [(record.name, record.starts, record.running) for record in found.records] == [("resident", 0, 1)]


def test_nothing_watched_is_nothing_found() -> None:
    found = find({}, [], {}, ORDER)
    assert (found.watched_s, found.records, found.losses, found.unseen) == (0, (), (), None)
    assert find({BOOT_ID: []}, [], {}, ORDER).watched_s == 0
