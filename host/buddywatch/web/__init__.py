"""A small HTTP door over the store: the fleet and a board for a browser, values for Prometheus, health. It only reads.

In: requests, what the store holds, the pulse of the collector. Out: pages, metrics, health.
May touch: the sockets of its clients; the store, to read it.
"""
