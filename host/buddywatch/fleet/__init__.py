"""Many collectors as one view: what their bridges have pushed to an engine, asked of it.

In: the engine's address, what is wanted. Out: boards, alerts and courses of all sites, as plain values.
May touch: the engine's HTTP door.
"""
