"""The ring against a plain list of groups, over generated frames."""

from buddyd.ring import SIZE_MIN, Ring
from hypothesis import given
from hypothesis import strategies as st

kinds = st.sampled_from([b"k", b"d", b"d", b"d", b"e", b"K", b"D", b"C", b"c"])
lengths = st.one_of(st.integers(9, 40), st.integers(9, 254))
frames = st.lists(st.tuples(kinds, lengths), min_size=1, max_size=120)


class Groups:
    """What a ring of groups holds at best: lists of (sequence, line), the oldest group first."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.groups: list[list[tuple[int, bytes]]] = []
        self.next = 1

    def append(self, line: bytes) -> None:
        kind = line[1:2]
        if not self.groups or kind in (b"k", b"K"):
            self.groups.append([])
        self.groups[-1].append((self.next, line))
        self.next += 1

    def drop_to(self, oldest: int) -> None:
        """Drop what the ring has dropped; it must be whole groups, or all but the newest frames."""
        while self.groups and self.groups[0][-1][0] < oldest:
            self.groups.pop(0)
        if self.groups and self.groups[0][0][0] < oldest:
            assert len(self.groups) == 1, "only the group that fills the ring alone is ever cut"
            self.groups[0] = [item for item in self.groups[0] if item[0] >= oldest]

    def bytes_held(self) -> int:
        return sum(len(line) + 1 for group in self.groups for _, line in group)


@given(frames, st.integers(1, 6), st.integers(SIZE_MIN, SIZE_MIN + 300))
def test_ring_is_a_list_of_groups(sizes, times, size_bytes):
    ring, model = Ring(size_bytes), Groups(size_bytes)
    for number, (kind, length) in enumerate(sizes * times):
        line = b"~" + kind + bytes([33 + number % 90]) * (length - 2)
        before = ring.oldest
        bytes_before = model.bytes_held()
        ring.append(line)
        model.append(line)
        model.drop_to(ring.oldest)
        items = [item for group in model.groups for item in group]
        assert [sequence for sequence, _ in items] == list(range(ring.oldest, ring.next))
        assert [ring.line(ring.locate(sequence)) for sequence, _ in items] == [held for _, held in items]
        assert ring.dropped == ring.oldest - 1
        if ring.oldest > before:  # at most two lines' worth is unused when something has to go
            assert bytes_before + length + 1 > size_bytes - 2 * 255


@given(frames, st.integers(1, 6), st.lists(st.tuples(st.integers(1, 800), st.integers(1, 800)), max_size=30))
def test_locate_finds_the_same_from_anywhere(sizes, times, pairs):
    ring = Ring(SIZE_MIN)
    for kind, length in sizes * times:
        ring.append(b"~" + kind + b"!" * (length - 2))
    for known, sequence in pairs:
        assert ring.locate(sequence, known, ring.locate(known)) == ring.locate(sequence)
        assert (ring.locate(sequence) >= 0) == (ring.oldest <= sequence < ring.next)
