"""Whether the kernel would grant a request: the verdict and margin of each need, and the bytes that a program needs.

In: a snapshot, the facts of its boot, the needs. Out: verdicts, margins, serviceable bytes.
May touch: nothing, except that programs.py reads a program file; the kernel's rule itself is buddyd.watermark.
"""
