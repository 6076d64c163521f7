"""From verdicts to alerts: signals, the state machine of each rule, incidents, which messages are due.

In: samples, events and gaps of one board, and the time. Out: transitions, incidents and planned messages.
May touch: the store, through the batch that it is given.
"""
