"""The board's side of a connection whose client must first prove that it has the secret, see secret.py."""

from .. import compat
from . import secret


class ProofGate:
    """conversation: the network.NetworkConversation whose client must prove it; it is asked at once."""

    made = 0

    def __init__(self, conversation):
        agent = conversation.agent
        ProofGate.made += 1
        # On a board without entropy random_bytes() may repeat; boot id, count and clock make the seed unique.
        seed = compat.random_bytes(16) + ("%s %d %d" % (agent.boot, ProofGate.made, compat.ticks_us())).encode()
        self.conversation = conversation
        self.lock = secret.Lock(agent.secret, agent.name.encode(), secret.nonce(seed))
        self._ask()

    def _ask(self):
        self.conversation.say((secret.DEMAND, self.lock.challenge()))

    def opens(self, line):
        """True if a received line is the proof. OSError if it is a wrong one."""
        proof = self.lock.open(line)
        if proof is None:
            self.conversation.part(secret.REFUSED)
            raise OSError(0)
        if proof:
            self.conversation.say((proof,))
            if self.conversation.agent.commands is not None:
                self.conversation.agent.commands.prove(self.conversation, self.lock)
        elif line:
            self._ask()
        return bool(proof)
