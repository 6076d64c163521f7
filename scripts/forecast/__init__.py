"""Scores the forecast on boards whose future is known: how early each kind of forecast warns.

allocator.py and workloads.py make the boards, forecasters.py has the simple forecasts to compare with, warning.py
scores one run, score.py runs them all and prints the table.
"""
