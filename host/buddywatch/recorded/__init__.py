"""Recorded data of any origin: traces, logs of /proc files, other monitors' files, recorded streams, exports.

In: lines of a recording. Out: boots, snapshots and events with their times, and what could not be read.
May touch: nothing; commands open the files.
"""
