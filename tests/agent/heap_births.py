"""Starts and ends programs before an agent, and prints its heap: micropython heap_births.py FEW MANY

Two numbers: bytes in use, after collection, when FEW and when MANY programs have come and gone. RUNNING run at a time.
"""

import sys

from heap_polls import in_use
from scratch import Scratch
from test_births import Board

RUNNING = 12


def start_and_end(board, first, last):
    for number in range(first, last):
        pid = 100 + number % 30000
        board.start(pid, b"job%d" % (number % 7), 0x40000 + 16 * (number % 100))
        if number >= RUNNING:
            board.end(100 + (number - RUNNING) % 30000)
        board.poll()


def main(few, many):
    with Scratch() as scratch:
        board = Board(scratch)
        start_and_end(board, 0, few)
        board.agent.births.flush()
        before = in_use()
        start_and_end(board, few, many)
        board.agent.births.flush()
        print(before, in_use())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
