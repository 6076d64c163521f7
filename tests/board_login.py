"""A login program as on a board: name, password without echo, three tries. argv: name, password, shell..."""

import os
import sys
import termios

ATTEMPTS = 3
TERMINAL = 0


def ask(prompt: str, echo: bool) -> str:
    """As BusyBox and glibc do: what was typed ahead of the prompt is thrown away with the echo."""
    os.write(1, prompt.encode())
    before = termios.tcgetattr(TERMINAL)
    if not echo:
        silent = termios.tcgetattr(TERMINAL)
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(TERMINAL, termios.TCSAFLUSH, silent)
    line = os.read(TERMINAL, 256)
    if not line:
        sys.exit(1)
    if not echo:
        termios.tcsetattr(TERMINAL, termios.TCSANOW, before)
        os.write(1, b"\n")
    return line.decode(errors="replace").strip()


def main(name: str, password: str, *shell: str) -> None:
    os.write(1, b"\nuClinux 2.6.30 on xport\n\n")
    for _ in range(ATTEMPTS):
        given = ""
        while not given:
            given = ask("xport login: ", True)
        secret = ask("Password: ", False)
        if (given, secret) == (name, password):
            os.write(1, b"Last login: Tue Nov 24 10:00:00 from 192.0.2.9\nThe login: of others is denied.\n")
            os.execvp(shell[0], shell)
        os.write(1, b"Login incorrect\n\n")


main(*sys.argv[1:])
