"""What to change on a board so that its memory does not come apart.

In: what is known of the board: values of its kernel, program files, scripts, which programs run how often.
Out: findings, the one that brings most first.
May touch: nothing.
"""
