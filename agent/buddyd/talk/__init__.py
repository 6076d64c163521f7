"""Conversations over a link: frames, resends, typed questions, and the proof of a secret.

In: bytes from one peer. Out: bytes for it, read from the ring or made from the newest sample.
May touch: the agent's state through its methods; no file, no socket.
"""

# A special answer: after it the conversation sends a line for each snapshot.
WATCHING = ("a line for each snapshot, until you type anything:",)
