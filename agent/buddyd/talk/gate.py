"""The board's side of a connection that must prove first that it has the secret, see secret.py."""

from .. import compat
from . import secret


class Gate:
    """peer: the visitor.Visitor at whom it is, who is asked at once."""

    made = 0

    def __init__(self, peer):
        desk = peer.desk
        Gate.made += 1
        # Whatever random_bytes() gives on a board without entropy: boot id, count and clock make it another one.
        seed = compat.random_bytes(16) + ("%s %d %d" % (desk.boot, Gate.made, compat.ticks_us())).encode()
        self.peer = peer
        self.lock = secret.Lock(desk.secret, desk.name.encode(), secret.nonce(seed))
        self._ask()

    def _ask(self):
        self.peer.say((secret.DEMAND, self.lock.challenge()))

    def opens(self, line):
        """Whether a line that came in is the proof. OSError: it is a wrong one."""
        proof = self.lock.open(line)
        if proof is None:
            self.peer.part(secret.REFUSED)
            raise OSError(0)
        if proof:
            self.peer.say((proof,))
        elif line:
            self._ask()
        return bool(proof)
