"""`make board-experiments` and `make board-prevention`: what prevents fragmentation, measured on the emulated board.

workload.py: programs and files from a seed. measures.py: what is changed, one thing at a time. play.py: one run of one
measure. results.py: all runs as a table and a picture. __main__.py: the command line.
"""
