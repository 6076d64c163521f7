"""Reads the bodies of frames, see wire.py, no I/O. The agent imports it only to answer `recent`."""

from . import const, wire

_SMALL = (-3, -2, -1, 1, 2, 3)
_LONG = const(84)  # 84..87: skip 0..3, a number follows
_LONG_SKIP = const(88)  # the skip follows as a digit, then a number
_JUMP = const(89)  # skip 90 columns
_HALF = const(45)


def apply_changes(digits, vector, column):
    """Add a body's changes to `vector` from `column` on; the column after the last one changed.

    ValueError: not a body, or longer than the vector. The vector is then partly changed.
    """
    if digits and (min(digits) < wire.FIRST_DIGIT or max(digits) >= wire.FIRST_DIGIT + wire.BASE):
        raise ValueError("frame with a byte that is not a digit: %r" % digits)
    i, end = 0, len(digits)
    try:
        while i < end:
            token = digits[i] - wire.FIRST_DIGIT
            i += 1
            if token == _JUMP:
                column += wire.BASE
                continue
            if token < _LONG:
                column += token // 6
                change = _SMALL[token % 6]
            else:
                if token == _LONG_SKIP:
                    column += digits[i] - wire.FIRST_DIGIT
                    i += 1
                else:
                    column += token - _LONG
                number, scale, digit = 0, 1, _HALF
                while digit >= _HALF:
                    digit = digits[i] - wire.FIRST_DIGIT
                    i += 1
                    number += (digit % _HALF) * scale
                    scale *= _HALF
                change = -(number >> 1) if number & 1 else number >> 1
            vector[column] += change
            column += 1
        if column > len(vector):
            raise IndexError
    except IndexError:
        raise ValueError("frame does not fit its %d columns: %r" % (len(vector), digits))
    return column


def apply_frame(content, vector, column, interval_cs):
    """Apply a numbered frame to vector; returns the column where the next part continues, 0 after a whole snapshot.

    content: from the mark on, without the check. column: the result of the previous frame. An event changes nothing.
    ValueError: as apply_changes(), or an unknown kind.
    """
    kind = content[1:2]
    if kind == wire.EVENT:
        return column
    if not kind or kind not in wire.NUMBERED:
        raise ValueError("frame of unknown kind: %r" % content)
    if kind in wire.STARTS_SNAPSHOT:
        column = 0
        if kind in wire.STARTS_GROUP:
            for i in range(len(vector)):
                vector[i] = 0
        else:
            vector[0] += interval_cs
    column = apply_changes(content[4:], vector, column)
    return 0 if kind in wire.ENDS_SNAPSHOT else column
