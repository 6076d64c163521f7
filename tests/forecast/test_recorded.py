"""Traces that were recorded on the emulated board: what they say of themselves, and how the forecast does on them."""

from pathlib import Path

import pytest

from scripts.forecast.forecasters import Envelope
from scripts.forecast.histories import GIVEN, Facts, recorded, slowed
from scripts.forecast.warning import BUILT_UP, Score, score

TRACES = sorted((Path(__file__).parents[1] / "fixtures" / "traces" / "board").glob("*.tsv.gz"))
HEAD = "up_ms\torder0\torder1\torder2\torder3\torder4\torder5\tevent\n"
PLENTY, NOTHING = "5\t5\t5\t5\t5\t50\t5\t", "5\t5\t5\t5\t5\t0\t0\t"


def trace(folder, *rows):
    path = folder / "test-1.tsv"
    path.write_text(f"{Facts('old', 4096, 70, 87).line()}\n{HEAD}" + "".join(f"{row}\n" for row in rows))
    return path


def test_what_a_trace_says_of_its_board_is_read_back():
    facts = Facts("new", 8192, 35, 43)
    assert Facts.of_line(facts.line()) == facts
    assert Facts.of_line(HEAD) is None


@pytest.mark.parametrize(("page_bytes", "order"), [(4096, 4), (8192, 3)])
def test_the_order_of_the_need_depends_on_the_page_size(page_bytes, order):
    assert Facts("new", page_bytes, 35, 43).order == order


def test_a_trace_ends_where_the_need_is_refused(tmp_path):
    history = recorded(trace(tmp_path, *[PLENTY] * 3, NOTHING, PLENTY))
    assert (history.refused_at, len(history.samples)) == (3, 4)
    assert history.samples[0].margin > 0 > history.samples[3].margin


def test_a_trace_ends_where_the_kernel_refused_a_program_between_two_snapshots(tmp_path):
    line = "Allocation of length 61440 from process 9 (start-60k) failed"
    assert recorded(trace(tmp_path, PLENTY, PLENTY + line, PLENTY)).refused_at == 1


def test_a_trace_without_a_refusal_has_no_end(tmp_path):
    assert recorded(trace(tmp_path, *[PLENTY] * 5)).refused_at is None


def test_a_slowed_trace_takes_so_many_times_as_long(tmp_path):
    path = trace(tmp_path, *[PLENTY] * 40, NOTHING)
    assert slowed(path, 8).refused_at in range(8 * 38, 8 * 41)
    assert slowed(path, 8) == slowed(path, 8)
    assert slowed(trace(tmp_path, *[PLENTY] * 40), 8).refused_at is None


def test_there_are_traces_of_every_kind():
    facts = [recorded(path) for path in TRACES]
    assert len(facts) >= 30
    assert 10 <= sum(history.refused_at is None for history in facts) <= len(facts) - 10
    kinds = {path.name.rsplit("-", 1)[0].rstrip("0123456789.-") for path in TRACES}
    assert len({kind for kind in kinds if kind}) >= 6


def test_almost_all_recorded_boards_are_warned_of_in_time():
    total = Score()
    for path in TRACES:
        total.add(score(recorded(path), Envelope()))
    assert total.refused >= 10
    assert total.missed + total.short <= total.refused / 10
    assert BUILT_UP == 200


def test_the_first_traces_do_not_say_it_themselves():
    old = recorded(TRACES[0].parents[1] / "cron-a.tsv")
    assert old.refused_at is not None
    assert GIVEN["old"].min_pages == 70
