"""Words, numbers and escapes that several rooms print.

In: plain values. Out: text of one line that is safe on a terminal, in a mail and in a log.
May touch: nothing.
"""
