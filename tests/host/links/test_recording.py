"""A recording's snapshots get the times at which they were made, by the file's date and the board's uptime."""

import os

import pytest
from buddyd import wire
from buddywatch.links.connection import Connection
from buddywatch.links.file import READ_BYTES, FileLink
from buddywatch.links.recording import RecordedTime
from buddywatch.protocol.board_tracker import BoardTracker
from buddywatch.protocol.frame import Frame
from buddywatch.protocol.line_stream import LinkSession
from linktools import same_descriptors

FRAME_BYTES_MIN = 10  # mark, kind, two digits of the sequence number, a body, five of the check, a newline
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


def measured(path: str) -> RecordedTime:
    link = FileLink(f"file:{path}", path)
    link.start()
    recorded = RecordedTime(link)
    while not recorded.is_measured:
        recorded.measure()
    link.close()
    return recorded


@pytest.fixture
def written(tmp_path):
    def write(data: bytes) -> str:
        path = tmp_path / "record.txt"
        path.write_bytes(data)
        os.utime(path, (WRITTEN, WRITTEN))
        return str(path)

    return write


def test_recording_starts_its_length_before_the_file_was_written(written):
    assert measured(written(life("0000000a", 1000, 13))).now == pytest.approx(WRITTEN - 60)


def test_second_boot_in_a_recording_comes_after_the_first(written):
    data = life("0000000a", 100_000, 13) + life("0000000b", 3000, 7)
    assert measured(written(data)).now == pytest.approx(WRITTEN - 60 - 30)


def test_time_goes_on_with_what_was_seen(written):
    path = written(life("0000000a", 1000, 13))
    recorded, tracker = measured(path), BoardTracker()
    with open(path, "rb") as file:
        for item in LinkSession().feed(file.read()):
            recorded.saw(tracker.take(item, recorded.now, False))
    assert recorded.now == pytest.approx(WRITTEN)


@pytest.mark.parametrize(
    "data", [b"", b"dmesg says nothing\n" * 9, bytes(range(256)) * 40], ids=["empty", "text", "noise"]
)
def test_recording_without_frames_has_no_length(written, data):
    assert measured(written(data)).now == WRITTEN


FRAMES = 60_000


class CountedLink(FileLink):
    """bytes: what was read of the file since the last look."""

    bytes = 0

    def read(self):
        data = super().read()
        self.bytes += len(data)
        return data

    def read_ahead(self):
        data = super().read_ahead()
        self.bytes += len(data)
        return data


def test_no_turn_reads_more_than_a_piece_of_a_recording(written):
    """All other links wait for as long as a turn takes, so it is the work of a turn that is bounded."""
    path = written(life("0000000a", 1000, FRAMES))
    link = CountedLink(f"file:{path}", path)
    connection, frames, turns = Connection(link), 0, 0
    while not connection.ended:
        link.bytes = 0
        connection.tend(float(turns))
        items = connection.receive(float(turns))
        assert link.bytes <= READ_BYTES
        assert len(items) <= READ_BYTES // FRAME_BYTES_MIN
        frames += sum(isinstance(item, Frame) for item in items)
        turns += 1
    assert frames == FRAMES
    assert turns >= 2 * os.path.getsize(path) // READ_BYTES
    connection.close()


def test_recording_that_is_closed_while_it_is_measured_can_be_started_again(written):
    path = written(life("0000000a", 1000, 3000))
    connection = Connection(FileLink(f"file:{path}", path))
    with same_descriptors():
        connection.tend(0.0)
        assert connection.receive(0.0) == []
        connection.close()
    connection.tend(1.0)
    while not connection.recorded_time.is_measured:
        connection.receive(1.0)
    assert connection.recorded_time.now == pytest.approx(WRITTEN - 2999 * 5)
    connection.close()


def test_recording_is_measured_from_where_it_is_read(written):
    """As `(head -1; buddywatch collect -) <file` does."""
    data = life("0000000a", 1000, 13)
    path = written(data + life("0000000b", 1000, 7))
    descriptor = os.open(path, os.O_RDONLY)
    os.lseek(descriptor, len(data), os.SEEK_SET)
    link = FileLink("-", "/dev/stdin")
    link._open = lambda: descriptor
    link.start()
    recorded = RecordedTime(link)
    while not recorded.is_measured:
        recorded.measure()
    assert recorded.now == pytest.approx(WRITTEN - 30)
    link.close()
