"""Watching a board on which nothing can be installed: through a shell that is held open, and its built-ins alone.

A poll is a few lines typed into that shell, and starts no process: on a board without MMU that is what may fail. What
comes back is made into the same frames that buddyd sends, so that all that follows knows of one kind of board only.
"""
