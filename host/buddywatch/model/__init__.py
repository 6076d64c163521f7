"""The plain values that rooms pass to each other.

In: nothing; this room imports no other. Out: frozen dataclasses and constants.
May touch: nothing. No I/O, no behaviour beyond arithmetic on the values themselves.
"""
