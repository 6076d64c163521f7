"""Watches a board on which nothing can be installed, with only the built-ins of a shell that stays open.

A poll is a few lines typed into that shell. It starts no process, since that may fail on a board without an MMU. The
answers become the same frames that buddyd sends, so the rest of the host sees only one kind of board.
"""
