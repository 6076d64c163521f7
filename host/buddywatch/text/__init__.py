"""Words, numbers and escapes that several rooms print.

In: plain values. Out: lines of text that are safe on a terminal, in a mail and in a log.
May touch: nothing.
"""
