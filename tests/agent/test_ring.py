"""The ring of frames: what it holds, what it gives up, and that it is one bytearray for ever."""

from buddyd import wire
from buddyd.ring import GROUPS_MIN, SIZE_MIN, Ring

BOOT = "3f9a0c52"


def frame(kind, length):
    """A line of a kind: the ring looks at nothing else."""
    return b"~" + kind + b"!" * (length - 2)


def fill(ring, kinds, length=50):
    for kind in kinds:
        ring.append(frame(kind, length))


def held(ring):
    """Kinds of the frames held, oldest first, located one by one."""
    return b"".join([bytes(ring.line(ring.locate(sequence))[1:2]) for sequence in range(ring.oldest, ring.next)])


def test_empty_ring_holds_nothing():
    ring = Ring(SIZE_MIN)
    assert (ring.oldest, ring.next, ring.key, ring.key_before, ring.dropped) == (1, 1, 0, 0, 0)
    for sequence in (-1, 0, 1, 2):
        assert ring.locate(sequence) == -1, sequence


def test_line_comes_back_as_it_was():
    ring = Ring(SIZE_MIN)
    lines = [b"~k!!" + b"x" * length for length in (0, 1, 5, 100, 250)]
    for line in lines:
        ring.append(line)
    for i in range(len(lines)):
        assert ring.line(ring.locate(i + 1)) == lines[i]
    assert ring.locate(0) == -1
    assert ring.locate(len(lines) + 1) == -1


def test_oldest_group_goes_first():
    ring = Ring(SIZE_MIN)
    groups = [b"k", b"d", b"d", b"e", b"d"]
    while ring.dropped == 0:
        fill(ring, groups)
    assert ring.oldest == 6
    assert ring.dropped == 5
    assert held(ring)[:5] == b"kdded"


def test_what_is_held_begins_with_a_key_frame():
    ring = Ring(SIZE_MIN)
    for _ in range(60):
        fill(ring, [b"k", b"d", b"e", b"d", b"d", b"d", b"d"], 37)
        assert held(ring)[:1] == b"k"
        assert ring.oldest == ring.dropped + 1


def test_parts_of_a_key_frame_go_together():
    ring = Ring(SIZE_MIN)
    for _ in range(40):
        fill(ring, [b"K", b"C", b"c", b"d", b"D", b"c"], 61)
        assert held(ring)[:3] in (b"K", b"KC", b"KCc")
        assert (ring.oldest - 1) % 6 == 0


def test_newest_key_frames_are_known():
    ring = Ring(SIZE_MIN)
    fill(ring, [b"k", b"d"])
    assert (ring.key, ring.key_before) == (1, 0)
    fill(ring, [b"K", b"C", b"c", b"d"])
    assert (ring.key, ring.key_before) == (3, 1)
    fill(ring, [b"e", b"k"])
    assert (ring.key, ring.key_before) == (8, 3)


def test_group_that_fills_the_ring_alone_goes():
    ring = Ring(SIZE_MIN)
    fill(ring, [b"k"] + [b"e"] * 100, 200)
    assert set(held(ring)) == set(b"e")
    assert ring.next == 102
    assert ring.dropped == ring.oldest - 1
    assert ring.key < ring.oldest
    fill(ring, [b"k", b"d"])
    assert ring.key == 102
    assert held(ring)[-2:] == b"kd"


def test_locate_goes_on_from_a_known_frame():
    ring = Ring(SIZE_MIN)
    fill(ring, [b"k", b"d", b"d", b"d"] * 12, 45)
    known, offset = 0, 0
    for sequence in range(ring.oldest, ring.next):
        offset = ring.locate(sequence, known, offset)
        known = sequence
        assert offset == ring.locate(sequence), sequence


def test_locate_forgets_a_known_frame_that_is_gone():
    ring = Ring(SIZE_MIN)
    fill(ring, [b"k", b"d"], 45)
    offset = ring.locate(2)
    fill(ring, [b"k", b"d"] * 100, 52)
    assert ring.oldest > 2
    for sequence in (ring.oldest, ring.oldest + 3, ring.next - 1):
        assert ring.locate(sequence, 2, offset) == ring.locate(sequence), sequence
    assert ring.locate(2, 2, offset) == -1


def test_locate_looks_back_of_a_known_frame():
    ring = Ring(SIZE_MIN)
    fill(ring, [b"k", b"d", b"d", b"d"], 45)
    assert ring.locate(2, 4, ring.locate(4)) == ring.locate(2)


def test_buffer_is_never_replaced_and_keeps_its_size():
    ring = Ring(SIZE_MIN)
    buffer = ring.buffer
    fill(ring, [b"k", b"d", b"d"] * 200, 61)
    assert ring.buffer is buffer
    assert len(buffer) == SIZE_MIN == ring.size_bytes


def test_encoder_gives_a_small_ring_several_groups():
    """What the agent does: a key frame at the latest after a fourth of the ring, so that one can always go."""
    ring = Ring(SIZE_MIN)
    encoder = wire.Encoder(BOOT, 20, 500, SIZE_MIN // GROUPS_MIN)
    vector, least = [0] * 20, SIZE_MIN
    for number in range(400):
        vector[0] += 500
        for column in range(1, 20):
            vector[column] = number * column * 7919 % 1000
        encoder.snapshot(vector, ring.append)
        if ring.dropped:
            kinds = held(ring)
            least = min(least, sum([len(ring.line(ring.locate(s))) + 1 for s in range(ring.oldest, ring.next)]))
            assert kinds[:1] == b"k"
            assert kinds.count(b"k") >= GROUPS_MIN - 1
    assert least >= SIZE_MIN * 5 // 8, least


def lengths_held(ring):
    return [len(ring.line(ring.locate(sequence))) for sequence in range(ring.oldest, ring.next)]


def test_frames_that_fit_exactly_drop_nothing_more_than_they_must():
    ring = Ring(24)
    for _ in range(3):
        ring.append(frame(b"k", 7))
    assert lengths_held(ring) == [7, 7, 7], "up to the last byte"
    ring.append(frame(b"k", 7))
    assert lengths_held(ring) == [7, 7, 7], "in the place of the first"
    ring.append(frame(b"k", 3))
    ring.append(frame(b"k", 3))
    assert lengths_held(ring) == [7, 7, 3, 3], "up to the oldest"
    ring.append(frame(b"k", 3))
    assert lengths_held(ring) == [7, 3, 3, 3]


def test_every_order_of_lengths_comes_back_as_it_was():
    """A ring so small that each length fits exactly, leaves one byte, or is one byte too long somewhere."""
    lengths, size_bytes, number = (2, 3, 4, 6, 9), 17, 0
    for order in range(len(lengths) ** 5):
        ring, lines = Ring(size_bytes), []
        for _ in range(2):
            rest = order
            for _ in range(5):
                number += 1
                line = b"~k" + bytes([33 + number % 90]) * (lengths[rest % len(lengths)] - 2)
                ring.append(line)
                lines.append(line)
                rest //= len(lengths)
        assert len(ring.buffer) == size_bytes
        assert ring.next == len(lines) + 1
        for sequence in range(ring.oldest, ring.next):
            assert ring.line(ring.locate(sequence)) == lines[sequence - 1], order
