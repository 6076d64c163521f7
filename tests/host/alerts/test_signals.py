"""The state machine, state by state, and what each rule makes of what was received."""

from dataclasses import replace

import pytest
from boards import BOOT_ID, START, boot, kernel_event, snapshot
from buddywatch.alerts import signals
from buddywatch.alerts.signals import BAD, BETWEEN, GOOD
from buddywatch.model.alerts import CLEARING, FIRING, OK, PENDING, REFUSED, SILENT, TIGHT, RuleState
from buddywatch.model.samples import BEFORE_CONTACT, OVERWRITTEN, UNDECODABLE, Gap
from buddywatch.model.verdicts import FAILS, OOM_KILLER, NeedState
from hypothesis import given
from hypothesis import strategies as st

HOLD, CLEAR = 3, 4
LEVELS = st.sampled_from([BAD, GOOD, BETWEEN])
NEED = NeedState("rm", 61440, 4, "ok", 20, FAILS)


def run(levels, hold=HOLD, clear=CLEAR, start=None):
    state = start or RuleState()
    phases = []
    for level in levels:
        state = signals.step(state, level, hold, clear)
        phases.append(state.phase)
    return state, phases


@pytest.mark.parametrize(
    ("phase", "count", "level", "then", "then_count"),
    [
        pytest.param(OK, 0, BAD, PENDING, 1, id="ok-bad"),
        pytest.param(OK, 0, BETWEEN, OK, 0, id="ok-between"),
        pytest.param(OK, 0, GOOD, OK, 0, id="ok-good"),
        pytest.param(OK, 0, None, OK, 0, id="ok-unknown"),
        pytest.param(PENDING, 1, BAD, PENDING, 2, id="pending-bad"),
        pytest.param(PENDING, 2, BAD, FIRING, 0, id="pending-bad-for-long-enough"),
        pytest.param(PENDING, 2, BETWEEN, PENDING, 2, id="pending-between"),
        pytest.param(PENDING, 2, GOOD, OK, 0, id="pending-good"),
        pytest.param(PENDING, 2, None, PENDING, 2, id="pending-unknown"),
        pytest.param(FIRING, 0, BAD, FIRING, 0, id="firing-bad"),
        pytest.param(FIRING, 0, BETWEEN, FIRING, 0, id="firing-between"),
        pytest.param(FIRING, 0, GOOD, CLEARING, 1, id="firing-good"),
        pytest.param(FIRING, 0, None, FIRING, 0, id="firing-unknown"),
        pytest.param(CLEARING, 2, BAD, FIRING, 0, id="clearing-bad"),
        pytest.param(CLEARING, 3, BETWEEN, FIRING, 0, id="clearing-between"),
        pytest.param(CLEARING, 2, GOOD, CLEARING, 3, id="clearing-good"),
        pytest.param(CLEARING, 3, GOOD, OK, 0, id="clearing-good-for-long-enough"),
        pytest.param(CLEARING, 3, None, CLEARING, 3, id="clearing-unknown"),
    ],
)
def test_step_leads_from_every_state_with_every_signal(phase, count, level, then, then_count):
    after = signals.step(RuleState(phase, count), level, HOLD, CLEAR)
    assert (after.phase, after.count) == (then, then_count)


@pytest.mark.parametrize("phase", [OK, PENDING])
def test_step_fires_at_once_when_one_sample_is_enough(phase):
    assert signals.step(RuleState(phase), BAD, 1, 1).phase == FIRING


@pytest.mark.parametrize("phase", [FIRING, CLEARING])
def test_step_recovers_at_once_when_one_sample_is_enough(phase):
    assert signals.step(RuleState(phase), GOOD, 1, 1).phase == OK


@given(st.lists(LEVELS), st.data())
def test_unknown_signals_anywhere_never_change_the_outcome(levels, data):
    with_unknown = list(levels)
    for at in data.draw(st.lists(st.integers(0, len(levels)))):
        with_unknown.insert(at, None)
    assert run(with_unknown)[0] == run(levels)[0]


@given(st.lists(LEVELS, max_size=60), st.integers(2, 5))
def test_fewer_bad_samples_than_hold_never_fire(levels, hold):
    seen = 0
    for at, level in enumerate(levels):
        seen += level == BAD
        if seen == hold:
            levels = levels[:at]
            break
    assert FIRING not in run(levels, hold=hold)[1]


@given(st.lists(LEVELS, max_size=60), st.integers(1, 5))
def test_firing_never_resolves_without_enough_good_samples_in_a_row(levels, clear):
    phases = run(levels, clear=clear, start=RuleState(FIRING))[1]
    if OK in phases:
        end = phases.index(OK) + 1
        assert end >= clear
        assert levels[end - clear : end] == [GOOD] * clear


@given(st.lists(LEVELS, max_size=60))
def test_enough_bad_samples_in_a_row_always_fire(levels):
    assert run([*levels, *[BAD] * HOLD])[0].phase == FIRING


@given(st.lists(LEVELS, max_size=60))
def test_enough_good_samples_in_a_row_always_recover(levels):
    assert run([*levels, *[GOOD] * CLEAR])[0] == RuleState()


@pytest.mark.parametrize(
    ("verdict", "margin_pages", "refused", "tight"),
    [
        pytest.param("refused", -5, BAD, BAD, id="refused"),
        pytest.param("tight", 3, BETWEEN, BAD, id="tight"),
        pytest.param("tight", 15, BETWEEN, BAD, id="tight-one-page-short-of-another-block"),
        pytest.param("tight", 16, GOOD, BAD, id="tight-with-another-block"),
        pytest.param("ok", 0, GOOD, GOOD, id="ok"),
        pytest.param(None, None, None, None, id="unknown"),
    ],
)
def test_need_signals_follow_verdict_and_margin(verdict, margin_pages, refused, tight):
    need = replace(NEED, verdict=verdict, margin_pages=margin_pages)
    assert {rule: level(need) for rule, level in signals.LEVELS.items()} == {REFUSED: refused, TIGHT: tight}


@pytest.mark.parametrize(
    ("need", "text"),
    [
        pytest.param(
            replace(NEED, verdict="refused", margin_pages=-5),
            "rm: a request of 61440 contiguous bytes would fail, short by 5 pages",
            id="refused",
        ),
        pytest.param(
            replace(NEED, verdict="refused", margin_pages=-1, order=3, consequence=OOM_KILLER),
            "rm: a request of 61440 contiguous bytes would make the kernel kill a process, short by 1 page",
            id="oom-killer",
        ),
        pytest.param(
            replace(NEED, verdict="tight", margin_pages=3),
            "rm: a request of 61440 contiguous bytes would succeed only after reclaim, 3 pages to spare",
            id="tight",
        ),
        pytest.param(NEED, "rm: a request of 61440 contiguous bytes would succeed, 20 pages to spare", id="ok"),
        pytest.param(
            replace(NEED, verdict=None, margin_pages=None),
            "rm: a request of 61440 contiguous bytes: not known whether it would succeed",
            id="unknown",
        ),
    ],
)
def test_need_text_says_bytes_pages_and_consequence(need, text):
    signal = signals.need_signal(REFUSED, need, BAD, "critical")
    assert (signal.rule, signal.need, signal.level, signal.severity) == (REFUSED, "rm", BAD, "critical")
    assert signal.text == text


def test_tight_has_a_sentence_of_its_own_while_the_need_is_refused():
    refused = replace(NEED, verdict="refused", margin_pages=-6)
    text = signals.need_signal(TIGHT, refused, BAD, "warning").text
    assert text == "rm: nothing to spare for 61440 contiguous bytes, short by 6 pages at this moment"
    passing = replace(NEED, verdict="tight", margin_pages=3)
    assert signals.need_signal(TIGHT, passing, BAD, "warning").text.endswith("only after reclaim, 3 pages to spare")


HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("failed_ms", "verdict", "level"),
    [
        pytest.param(0, "ok", GOOD, id="an-hour-ago"),
        pytest.param(1, "ok", BETWEEN, id="almost-an-hour-ago"),
        pytest.param(HOUR_MS + 1, "ok", BETWEEN, id="after-this-snapshot"),
        pytest.param(0, "refused", BETWEEN, id="a-need-is-refused"),
        pytest.param(0, None, None, id="a-need-is-unknown"),
        pytest.param(1, None, BETWEEN, id="unknown-and-not-long-ago"),
    ],
)
def test_kernel_failure_ends_after_an_hour_of_uptime_without_one(failed_ms, verdict, level):
    shot = replace(snapshot(1), uptime_ms=HOUR_MS)
    needs = (NEED, replace(NEED, verdict=verdict, margin_pages=None))
    assert signals.kernel_quiet_signal(kernel_event(2, failed_ms), shot, needs, "critical").level == level


def test_kernel_failure_without_uptime_is_timed_by_its_arrival():
    shot = snapshot(1)
    event = replace(kernel_event(None, None), time=shot.time - 3600)
    assert signals.kernel_quiet_signal(event, shot, (), "critical").level == GOOD
    assert signals.kernel_quiet_signal(replace(event, time=shot.time - 3599), shot, (), "critical").level == BETWEEN


def test_kernel_failed_signal_carries_the_kernels_own_line():
    signal = signals.kernel_failed_signal(kernel_event(4, 1), "critical")
    assert (signal.level, signal.text) == (BAD, "kernel: Allocation of length 61440 from process 6821 (rm) failed")


@pytest.mark.parametrize(
    ("interval_cs", "limit_s"),
    [
        pytest.param("500", 120, id="5-s"),
        pytest.param("6000", 180, id="60-s"),
        pytest.param("?", 120, id="unknown"),
    ],
)
def test_silence_is_longer_than_three_polls(interval_cs, limit_s):
    interval_s = signals.interval_s({"interval_cs": interval_cs})
    assert signals.silent_after_s(120, interval_s) == limit_s


@pytest.mark.parametrize(
    ("quiet_s", "level"), [pytest.param(119.9, None, id="shorter"), pytest.param(120.0, BAD, id="as-long-as-the-limit")]
)
def test_silence_only_ever_turns_bad_by_time(quiet_s, level):
    signal = signals.silent_signal(quiet_s, 120, "critical")
    assert (signal.rule, signal.level) == (SILENT, level)


@pytest.mark.parametrize(
    ("gap", "text"),
    [
        pytest.param(
            Gap(BOOT_ID, 3, 9, OVERWRITTEN, START),
            f"frames 3 to 9 of boot {BOOT_ID} lost: the board's ring was full before they were fetched",
            id="overwritten",
        ),
        pytest.param(
            Gap(BOOT_ID, 3, 3, UNDECODABLE, START),
            f"frame 3 of boot {BOOT_ID} lost: they cannot be decoded: an earlier frame is missing, "
            "or their numbers are impossible",
            id="undecodable",
        ),
        pytest.param(Gap(BOOT_ID, 1, 9, BEFORE_CONTACT, START), None, id="before-contact-is-no-loss"),
    ],
)
def test_lost_text_names_the_frames_and_the_reason(gap, text):
    assert signals.lost_text(gap) == text


def test_rebooted_text_names_the_boot():
    assert signals.rebooted_text(boot("0000b002")) == "the board rebooted, boot 0000b002"
