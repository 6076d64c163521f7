"""One kind of byte stream, one module: serial line, standard output, telnet server, dialled connection.

In: descriptors that are ready. Out: bytes for a conversation, and its answers as bytes.
May touch: sockets and terminals, never blocking; never /proc or the ring.
"""
