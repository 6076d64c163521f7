"""What a person sees on a terminal: the screen, its styles, the dashboard.

In: what the store holds. Out: lines of text and ANSI sequences.
May touch: the terminal, and the store to read it.
"""
