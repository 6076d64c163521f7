"""What is said over a link: frames, resends, a person's questions, and the proof of a secret.

In: bytes of one peer. Out: bytes for it, cut from the ring or made from the newest sample.
May touch: the agent's state through its methods; no file, no socket.
"""

# An answer of its own kind: the conversation then goes on with a line for each snapshot.
WATCHING = ("a line for each snapshot, until you type anything:",)
