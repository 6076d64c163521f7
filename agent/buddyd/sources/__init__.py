"""One kernel file, one module: how each file under /proc is read and parsed.

In: paths below --proc. Out: numbers in preallocated arrays, and the kernel's own messages.
May touch: files under /proc and the kernel log, opened once; never a link, the ring or the wire.
"""
