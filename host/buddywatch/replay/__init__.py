"""Runs the rules and the planning of messages over recorded data, in simulated time.

In: what boards sent, with its times. Out: the changes of the rules' states, and the messages that would have been sent.
May touch: a database of its own, which is removed.
"""
