"""Lives of programs from maps and starts."""

from dataclasses import replace

from buddywatch.model.memory_map import Births, MappedProgram, MemoryMap
from buddywatch.verdict.lives import lives_of

SH = MappedProgram(1, "sh", 0, ((10, 8),))
JOB = MappedProgram(31, "job", 100, ((100, 15),))


def seen_map(at_s, *programs, is_whole=True, boot_id="b"):
    return MemoryMap(boot_id, 1000.0 + at_s, at_s * 1000, programs, is_whole)


def births(at_s, *programs, ended=(), boot_id="b"):
    return Births(boot_id, 1000.0 + at_s, at_s * 1000, programs, ended)


def test_start_and_end_are_those_of_the_agent():
    (life,) = lives_of([births(300, JOB, ended=((31, 125),))])
    assert (life.pid, life.name, life.started_s, life.ended_s, life.pages) == (31, "job", 100, 125, 15)


def test_program_that_a_whole_map_lacks_has_ended_by_then():
    gone, resident = sorted(lives_of([births(110, JOB), seen_map(600, SH), seen_map(900, SH)]), key=lambda x: -x.pid)
    assert (gone.name, gone.seen_s, gone.ended_s) == ("job", 600, 600)
    assert (resident.name, resident.seen_s, resident.ended_s) == ("sh", 900, None)
    (still, _) = sorted(lives_of([births(110, JOB), seen_map(600, SH, is_whole=False)]), key=lambda x: -x.pid)
    assert (still.ended_s, still.seen_s) == (None, 100)


def test_end_that_is_told_after_a_map_without_the_program_is_the_true_one():
    (life,) = lives_of([births(110, JOB), seen_map(600), births(620, ended=((31, 475.5),))])
    assert (life.seen_s, life.ended_s) == (475.5, 475.5)
    again = replace(JOB, started_s=610)
    first, second = lives_of([births(110, JOB), seen_map(600), births(620, again, ended=((31, 615),))])
    assert (first.ended_s, second.started_s, second.ended_s) == (600, 610, 615)


def test_pid_of_another_program_ends_the_one_before():
    later = replace(JOB, name="other", started_s=400)
    first, second = lives_of([births(110, JOB), births(420, later)])
    assert (first.name, first.ended_s, second.name, second.ended_s) == ("job", 400, "other", None)


def test_name_is_the_last_and_size_the_most():
    forked = replace(JOB, name="sh", regions=((100, 8), (200, 40)))
    (life,) = lives_of([births(110, forked), seen_map(600, JOB)])
    assert (life.name, life.pages) == ("job", 48)


def test_boots_are_apart_and_an_end_of_nobody_is_nothing():
    found = lives_of([births(110, JOB), births(50, JOB, boot_id="c"), births(130, ended=((99, 120),))])
    assert [(life.boot_id, life.pid) for life in found] == [("c", 31), ("b", 31)]


def test_end_before_the_start_is_not_believed():
    assert lives_of([births(300, JOB), births(310, ended=((31, 50),))]) == []
