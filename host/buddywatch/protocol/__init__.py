"""From a link's bytes to the samples, events and gaps of one board, each exactly once. No I/O.

In: bytes with their arrival time. Out: model values in the board's order, and what to ask the board for.
May touch: nothing; the wire format itself is buddyd.wire.
"""
