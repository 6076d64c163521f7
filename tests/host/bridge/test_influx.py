"""Lines of InfluxDB's protocol."""

from buddywatch.bridge.influx import encode
from buddywatch.bridge.samples import Sample, Series
from hypothesis import given
from hypothesis import strategies as st
from metricengine import parsed

TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)


def test_lines_are_as_the_protocol_says():
    labels = (("site", ""), ("board", "a b,c=d"), ("need", "rm"))
    samples = [Sample(Series("buddywatch_need_margin_pages", labels), -5, 1700000000123)]
    samples.append(Sample(Series("buddywatch_uptime_seconds", (("board", "xp"),)), 7.5, 1))
    assert encode(samples).decode().splitlines() == [
        r"buddywatch,board=a\ b\,c\=d,need=rm need_margin_pages=-5i 1700000000123",
        "buddywatch,board=xp uptime_seconds=7.5 1",
    ]


@given(TEXT, TEXT, st.integers(-(2**53), 2**53))
def test_any_label_is_one_label_of_one_line(board, need, value):
    samples = [Sample(Series("buddywatch_x", (("board", board), ("need", need))), value, 5)]
    (line,) = encode(samples).decode().split("\n")[:-1]
    (_, labels), time_ms, found = parsed(line)
    assert [name for name, _ in labels] == ["board", "need"] and (time_ms, found) == (5, value)
