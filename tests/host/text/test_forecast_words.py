"""A forecast in words: units that a reader uses, and nothing where nothing is known."""

import pytest
from boards import snapshot
from buddywatch.model.forecasts import FALLING, LEVEL, RISING, UNKNOWN, Forecast, NeedForecast
from buddywatch.text.forecast_words import current_forecasts, forecast_words

H = 3600.0


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ((3 * H, 2 * H, 7 * H), "in about 3 h (2 to 7 h)"),
        ((2400, 1200, 5400), "in about 40 min (20 to 90 min)"),
        ((1.9 * H, 1.2 * H, 2.1 * H), "in about 115 min (70 min to 3 h)"),
        ((2.5 * H, 2.4 * H, 3.1 * H), "in about 3 h (2 to 4 h)"),
        ((40 * H, 30 * H, 100 * H), "in about 40 h (30 h to 5 d)"),
        ((4 * 24 * H, 3 * 24 * H, None), "in about 4 d (3 d or more)"),
        ((120, 10, None), "in about 2 min"),
        ((30, 10, 300), "at any time (0 to 5 min)"),
        ((3 * H, 3 * H, 3 * H), "in about 3 h"),
    ],
)
def test_words(times, words):
    assert forecast_words(Forecast(FALLING, *times)) == f"at this rate refused {words}"


@pytest.mark.parametrize(
    ("trend", "words"), [(FALLING, "falling slowly"), (LEVEL, ""), (RISING, "rising"), (UNKNOWN, "")]
)
def test_without_a_time_only_the_trend_is_named(trend, words):
    assert forecast_words(Forecast(trend)) == words


def test_a_forecast_is_brought_forward_to_the_newest_snapshot():
    made = [NeedForecast("rm", snapshot(1).boot_id, 100.0, Forecast(FALLING, 500.0, 50.0, None, 7.0))]
    shot = snapshot(40)  # 200 s after the boot
    assert current_forecasts(made, shot) == {"rm": Forecast(FALLING, 400.0, 0.0, None, 7.0)}
    assert current_forecasts(made, snapshot(40, boot_id="other")) == {}
    assert current_forecasts(made, None) == {}
