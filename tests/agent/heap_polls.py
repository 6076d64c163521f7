"""Polls an agent and prints its heap: MICROPYPATH=agent:tests/agent micropython heap_polls.py PROC FEW MANY

Two numbers: bytes in use, after collection, when FEW and when MANY polls are done. Every 100 polls a person asks for
the status and the last snapshots, a host for a hello, and there is an event.
"""

import gc
import sys

from agents import agent_on
from buddyd import wire
from buddyd.talk import answers


def in_use():
    gc.collect()
    gc.collect()  # objects that the first one freed may have held others
    return gc.mem_alloc()


def poll(here, first, last):
    for number in range(first, last):
        here.poll()
        if number % 100 == 0:
            for command in ("help", "status", "need 61440", "recent"):
                for line in answers.answer(here, command, True):
                    wire.printable(line)
            for line in here.hello():
                wire.unseal(line)
            event = wire.event_text(number, "alloc", 61440, 6821, "rm", "Allocation of length 61440 ... failed")
            here.encoder.event(event, here.ring.append)


def main(proc, few, many):
    here = agent_on(proc, "32k")
    poll(here, 0, few)
    before = in_use()
    poll(here, few, many)
    print(before, in_use())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
