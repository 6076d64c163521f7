"""Signals while one collector makes way for the next: real ones, sent to this process."""

import os
import signal
from collections.abc import Iterator

import pytest
from buddywatch.commands.collect_signals import Signals

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = [signal.getsignal(number) for number in NUMBERS]
    yield
    for number, handler in zip(NUMBERS, before, strict=True):
        signal.signal(number, handler)


class Collector:
    """Notes what it is told."""

    def __init__(self, signals: Signals, during: tuple[int, ...] = ()) -> None:
        self.told: list[str] = []
        with signals.handed_to(lambda: self.told.append("stop"), lambda: self.told.append("reload")):
            for number in during:
                os.kill(os.getpid(), number)


def between(number: int) -> tuple[Collector, Signals]:
    """The collector after one that had ended when the signal came."""
    signals = Signals()
    Collector(signals)
    os.kill(os.getpid(), number)
    return Collector(signals), signals


def test_a_collector_hears_of_each_signal_at_once() -> None:
    signals = Signals()
    assert Collector(signals, (signal.SIGHUP, signal.SIGHUP)).told == ["reload", "reload"]
    assert not signals.is_over
    assert Collector(signals, (signal.SIGTERM,)).told == ["stop"]
    assert signals.is_over


def test_a_reload_that_is_asked_for_between_two_collectors_is_made_by_the_next_one_and_once() -> None:
    second, signals = between(signal.SIGHUP)
    assert second.told == ["reload"]
    assert Collector(signals).told == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_that_is_asked_for_between_two_collectors_is_the_end(number: int) -> None:
    second, signals = between(number)
    assert (second.told, signals.is_over) == (["stop"], True)
