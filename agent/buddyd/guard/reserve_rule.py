"""What blocks of the reserve would change: pure functions on the free blocks of zones, see watermark.judge().

In the heap only while the agent decides whether to give a block back, or to take one again.
"""

from .. import watermark

GIVE, NOTHING, TOO_LITTLE, UNKNOWN = "give", "nothing", "too little", "unknown"


def to_give(zones, rule, order, held):
    """(answer, which blocks) for a start that was refused a block of `order`. held: [order or -1 for one given back].

    GIVE: these, the fewest that help, small ones first. NOTHING: it would start as things are. TOO_LITTLE: not even
    with all blocks. UNKNOWN: the kernel's rule or its marks are; then the smallest block that is large enough.
    """
    fitting = sorted([(held[i], i) for i in range(len(held)) if held[i] >= order])
    if not zones or rule is None:
        return UNKNOWN, [i for _, i in fitting[:1]]
    if watermark.judge(zones, order, rule, watermark.EXEC_PAGES)[0] == watermark.OK:
        return NOTHING, []
    chosen = []
    for size, i in fitting:
        chosen.append(i)
        zones = [(_with(zone[0], size),) + tuple(zone[1:]) for zone in zones]
        if watermark.judge(zones, order, rule, watermark.EXEC_PAGES)[0] != watermark.REFUSED:
            return GIVE, chosen
    return TOO_LITTLE, []


def may_take(zones, rule, order):
    """True if, with a block of `order` taken, the kernel would still give another one like it at once.

    Unknown marks or rule: True. Then the kernel alone decides.
    """
    if not zones or rule is None:
        return True
    for zone in zones:
        left = without(zone[0], order)
        if left is not None:
            zone = (left,) + tuple(zone[1:])
            if watermark.judge([zone], order, rule, watermark.EXEC_PAGES)[0] == watermark.OK:
                return True
    return False


def _with(nr_free, order):
    nr_free = list(nr_free)
    nr_free[order] += 1
    return nr_free


def without(nr_free, order):
    """nr_free (a new list) after a block of `order` was taken from the smallest that has it; None if none has."""
    left = list(nr_free)
    for size in range(order, len(left)):
        if left[size]:
            left[size] -= 1
            for o in range(order, size):
                left[o] += 1
            return left
    return None
