"""Sizes and durations: what people may write, what they are shown, and that one reads the other."""

import pytest
from buddywatch.text.units import format_bytes, format_duration, parse_duration, parse_size
from hypothesis import given
from hypothesis import strategies as st

SIZES = [
    ("0", 0),
    ("61440", 61440),
    ("61440 B", 61440),
    ("60k", 61440),
    ("60K", 61440),
    ("60 kB", 61440),
    ("60KB", 61440),
    (" 64KiB ", 65536),
    ("2M", 2097152),
    ("2 MiB", 2097152),
    ("1G", 1073741824),
]
DURATIONS = [
    ("0", 0),
    ("90", 90),
    ("90s", 90),
    ("90 s", 90),
    ("2m", 120),
    ("2 min", 120),
    ("4h", 14400),
    ("1d", 86400),
    ("1h30m", 5400),
    (" 1h 30m ", 5400),
    ("2 h 10 min", 7800),
    ("1d2h3m4s", 93784),
]
NOT_SIZES = [
    "",
    " ",
    "k",
    "60q",
    "60 k B",
    "6 0k",
    "-1",
    "+1",
    "1.5M",
    "1e3",
    "0x10",
    "60ib",
    "60 kbit",
    "1_000",
    "9" * 16,
    "\u0666\u0660k",
    "60\u212a",
    "60k\n60k",
]
NOT_DURATIONS = ["", "s", "90x", "-2m", "1.5h", "30m1h", "1h30", "2m2m", "1 hour", "2M", "9" * 16, "\u0662m", "2\x00m"]


@pytest.mark.parametrize(("text", "size_bytes"), SIZES, ids=[text for text, _ in SIZES])
def test_size_reads_as_bytes_with_k_as_1024(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(("text", "seconds"), DURATIONS, ids=[text for text, _ in DURATIONS])
def test_duration_reads_as_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", NOT_SIZES, ids=ascii)
def test_wrong_size_is_named_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match='expected a size such as 61440 or "60k"') as caught:
        parse_size(text)
    assert str(caught.value).startswith(ascii(text))
    assert str(caught.value).isascii()


@pytest.mark.parametrize("text", NOT_DURATIONS, ids=ascii)
def test_wrong_duration_is_named_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match='expected a duration such as 90, "2m"') as caught:
        parse_duration(text)
    assert str(caught.value).startswith(ascii(text))


def test_wrong_size_is_shortened_when_long() -> None:
    with pytest.raises(ValueError, match="expected a size") as caught:
        parse_size("x" * 1_000_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (1, "1 B"), (57345, "57345 B"), (61440, "60 kB"), (65536, "64 kB"), (3362816, "3284 kB"),
     (2097152, "2 MB"), (1073741824, "1 GB"), (-4096, "-4 kB")],
    ids=str,
)  # fmt: skip
def test_bytes_are_shown_exactly(size_bytes: int, text: str) -> None:
    assert format_bytes(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (0.9, "0 s"), (45, "45 s"), (60, "1 min"), (7800, "2 h 10 min"), (7801.7, "2 h 10 min 1 s"),
     (86405, "1 d 5 s"), (-45, "-45 s"), (-0.5, "0 s")],
    ids=str,
)  # fmt: skip
def test_duration_is_shown_exactly(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=2**40))
def test_shown_size_reads_back(size_bytes: int) -> None:
    assert parse_size(format_bytes(size_bytes)) == size_bytes


@given(st.integers(min_value=0, max_value=10**10))
def test_shown_duration_reads_back(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.text())
def test_any_text_is_a_size_or_a_value_error(text: str) -> None:
    try:
        assert parse_size(text) >= 0
    except ValueError as error:
        assert "expected" in str(error)
