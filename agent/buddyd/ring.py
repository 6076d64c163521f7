"""The ring of encoded frames: one bytearray, allocated once. Frames are numbered without holes; the oldest are dropped.

It drops whole groups (a key frame and the frames that build on it), so that it always begins with a key frame and can
be decoded. Only if one group fills it alone, by a flood of events, that group is dropped and it begins with events. A
frame lies in one piece: a length byte, then the line without its newline. A length of 0 means that the rest of the
buffer is unused.
"""

from . import wire

SIZE_MIN = 2048  # bytes: room for several groups, see wire.Encoder's group_bytes
GROUPS_MIN = 4  # a key frame is due after this fraction of the ring at the latest


class Ring:
    def __init__(self, size_bytes):
        self.buffer = bytearray(size_bytes)
        self.size_bytes = size_bytes
        self.oldest = 1  # sequence number of the oldest frame held
        self.next = 1  # of the frame that comes next; next == oldest: empty
        self.key = 0  # of the newest frame that starts a group, 0: none yet
        self.key_before = 0  # of the one before that
        self.urgent = 0  # of the newest urgent event, 0: none yet
        self.dropped = 0  # frames overwritten so far
        self.event_bytes = 0  # how much of the buffer the events held take
        self._first = 0  # offset of the oldest frame
        self._last = 0  # offset of the newest frame
        self._end = 0  # offset behind the newest frame

    def append(self, line):
        """Take a frame (bytes, at most 254), dropping the oldest groups until there is room."""
        length = len(line)
        offset = self._place(length + 1)
        while offset < 0:
            self._drop_group()
            offset = self._place(length + 1)
        if offset == 0 and 0 < self._end < self.size_bytes:
            self.buffer[self._end] = 0
        if self.oldest == self.next:
            self._first = offset
        self.buffer[offset] = length
        self.buffer[offset + 1 : offset + 1 + length] = line
        if line[1] == wire.EVENT[0]:
            self.event_bytes += length + 1
        elif line[1] in wire.STARTS_GROUP:
            self.key_before, self.key = self.key, self.next
        self._last = offset
        self._end = offset + length + 1
        self.next += 1

    def locate(self, sequence, known=0, known_offset=0):
        """The offset of a frame, -1 if it is not held. known, known_offset: an earlier frame to start from, if any."""
        if not self.oldest <= sequence < self.next:
            return -1
        if sequence == self.next - 1:
            return self._last
        if not self.oldest <= known <= sequence:
            known, known_offset = self.oldest, self._first
        while known < sequence:
            known_offset = self._after(known_offset)
            known += 1
        return known_offset

    def line(self, offset):
        """A copy of the line at offset."""
        return self.buffer[offset + 1 : offset + 1 + self.buffer[offset]]

    def _place(self, need):
        """The offset where `need` bytes fit in one piece; -1 if there is none."""
        if self.oldest == self.next:
            return 0
        if self._end > self._first:
            if self.size_bytes - self._end >= need:
                return self._end
            return 0 if self._first >= need else -1
        return self._end if self._first - self._end >= need else -1

    def _drop_group(self):
        while True:
            if self.buffer[self._first + 2] == wire.EVENT[0]:
                self.event_bytes -= self.buffer[self._first] + 1
            self.oldest += 1
            self.dropped += 1
            if self.oldest == self.next:
                return
            self._first = self._after(self._first)
            if self.buffer[self._first + 2] in wire.STARTS_GROUP:
                return

    def _after(self, offset):
        offset += self.buffer[offset] + 1
        if offset == self.size_bytes or self.buffer[offset] == 0:
            return 0
        return offset
