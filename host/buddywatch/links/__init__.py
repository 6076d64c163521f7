"""The links to the boards: connections as the collector uses them, one module per kind, made from their URLs.

In: URLs, and what their devices and sockets deliver. Out: items of the protocol, with the link they came over.
May touch: sockets, terminals and recorded files, never blocking; secrets through the configuration.
"""
