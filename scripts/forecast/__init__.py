"""The scoreboard of the forecast: boards whose future is known, and how early each kind of forecast warns of it.

allocator.py and workloads.py make the boards, forecasters.py has what the forecast must beat, warning.py scores one
run, score.py runs them all and prints the table.
"""
