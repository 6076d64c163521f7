"""A recording's snapshots get the times at which they were made, by the file's date and the board's uptime."""

import os

import pytest
from buddyd import wire
from buddywatch.links.recording import RecordedTime
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.line_stream import LinkSession

WRITTEN = 1_700_000_000
FACTS = [
    *[("v", "1"), ("name", "xp"), ("interval_cs", "500"), ("kernel", "2.6.30"), ("page_bytes", "4096"), ("kboot", "-")],
    *[("cols", "up"), ("zones", "1"), ("z0", "0/DMA/3/-/-/-/-"), ("oldest", "1"), ("next", "1"), ("key", "0")],
]


def life(boot_id: str, first_up_cs: int, snapshots: int) -> bytes:
    """What one life of an agent sends: a hello, then a snapshot every 5 s."""
    lines = list(wire.hello_lines(boot_id, [*FACTS, ("up", str(first_up_cs))]))
    encoder = wire.Encoder(boot_id, 4, 500, 8192)
    for i in range(snapshots):
        encoder.snapshot([first_up_cs + 500 * i, i, 0, 1], lines.append)
    return b"\n".join(lines) + b"\n"


@pytest.fixture
def written(tmp_path):
    def write(data: bytes) -> str:
        path = tmp_path / "record.txt"
        path.write_bytes(data)
        os.utime(path, (WRITTEN, WRITTEN))
        return str(path)

    return write


def test_recording_starts_its_length_before_the_file_was_written(written):
    assert RecordedTime(written(life("0000000a", 1000, 13))).now == pytest.approx(WRITTEN - 60)


def test_second_boot_in_a_recording_comes_after_the_first(written):
    data = life("0000000a", 100_000, 13) + life("0000000b", 3000, 7)
    assert RecordedTime(written(data)).now == pytest.approx(WRITTEN - 60 - 30)


def test_time_goes_on_with_what_was_seen(written):
    path = written(life("0000000a", 1000, 13))
    recorded, tracker = RecordedTime(path), BoardTracker()
    with open(path, "rb") as file:
        for item in LinkSession().feed(file.read()):
            recorded.saw(tracker.take(item, recorded.now, False))
    assert recorded.now == pytest.approx(WRITTEN)


@pytest.mark.parametrize(
    "data", [b"", b"dmesg says nothing\n" * 9, bytes(range(256)) * 40], ids=["empty", "text", "noise"]
)
def test_recording_without_frames_has_no_length(written, data):
    assert RecordedTime(written(data)).now == WRITTEN
