"""The text format of Prometheus, and the pulse of the collector."""

import os

import pytest
from buddywatch.web.exposition import COUNTER, GAUGE, Family, exposition
from buddywatch.web.health import STILL_S, Pulse, problems


def test_values_labels_and_what_is_not_known():
    free = Family("a_bytes", GAUGE, 'Free "memory"\nof a board.')
    free.add(3.0, board='a"b\\c\nd')
    free.add(None, board="unknown")
    free.add(1.23456)
    assert exposition([free, Family("b_total", COUNTER, "None.")]) == (
        '# HELP a_bytes Free "memory"\\nof a board.\n# TYPE a_bytes gauge\n'
        'a_bytes{board="a\\"b\\\\c\\nd"} 3\na_bytes 1.235\n'
    )


class Clock:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def beating():
    """(pulse, its clock, what the collector writes into, what was called at the end)."""
    read_end, write_end = os.pipe()
    clock, ended = Clock(), []
    yield Pulse(read_end, lambda: ended.append(True), clock), clock, write_end, ended
    os.close(read_end)


def test_a_loop_that_turns_is_well_and_one_that_stands_still_is_not(beating):
    pulse, clock, pipe, ended = beating
    for _ in range(5):
        clock.now_s += 1
        os.write(pipe, b"\n")
        pulse.read()
    assert problems(pulse, False, []) == [] and pulse.longest_s == 1
    clock.now_s += STILL_S + 1
    assert problems(pulse, True, []) == ["the collector's loop has stood still for 31s"]
    assert pulse.longest_s == STILL_S + 1
    os.write(pipe, b"\n")
    pulse.read()
    assert problems(pulse, True, []) == [] and pulse.longest_s == STILL_S + 1
    clock.now_s += 40
    os.write(pipe, b"\n")
    pulse.read()
    clock.now_s += 1
    assert pulse.longest_s == 40  # the one before is more than a minute ago
    assert not ended


def test_what_the_store_does_not_take_is_a_problem_until_it_does(beating):
    pulse, _, pipe, ended = beating
    os.write(pipe, b"\ndisk f")
    pulse.read()
    assert problems(pulse, True, []) == []
    os.write(pipe, b"ull\n")
    pulse.read()
    assert problems(pulse, True, []) == ["the store takes nothing: disk full"]
    os.write(pipe, b"\n")
    pulse.read()
    assert problems(pulse, True, []) == []
    os.close(pipe)
    pulse.read()
    assert ended == [True]


def test_a_door_without_a_pulse_looks_for_a_collector_and_channels_count():
    assert problems(None, True, []) == [] and problems(None, False, []) == ["no collector runs"]
    assert problems(None, True, [("mail", 120.0, "451 later")]) == ["mail has failed for 2m: 451 later"]
