"""A clock that a test moves, under CPython and MicroPython alike."""

from buddyd import compat

_PERIOD = 1 << 30  # ticks of MicroPython on a 32-bit board start again at 0 after this, 12.4 days
_NAMES = ("ticks_ms", "ticks_add", "ticks_diff")


class Clock:
    """`with Clock() as clock`: ticks of a 32-bit board, which only clock.pass_ms() moves."""

    def __init__(self):
        self.now_ms = _PERIOD - 5000
        self.before = [getattr(compat, name) for name in _NAMES]

    def __enter__(self):
        compat.ticks_ms = lambda: self.now_ms
        compat.ticks_add = lambda ticks, ms: (ticks + ms) % _PERIOD
        compat.ticks_diff = lambda later, earlier: (later - earlier + _PERIOD // 2) % _PERIOD - _PERIOD // 2
        return self

    def __exit__(self, *_):
        for i in range(len(_NAMES)):
            setattr(compat, _NAMES[i], self.before[i])

    def pass_ms(self, ms):
        self.now_ms = (self.now_ms + ms) % _PERIOD
