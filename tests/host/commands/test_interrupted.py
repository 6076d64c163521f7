"""Ctrl-C at any moment of a command's start and end: exit code 130, and not a word."""

import subprocess
import sys

import pytest
from runner import ENV

# SIGINT to itself at the Nth import after buddywatch's own, and at its end: a moment that no load of the machine moves.
AT_IMPORT = """
import os, runpy, signal, sys
left, ours = int(sys.argv.pop(1)), False
def watch(event, args):
    global left, ours
    if event != "import":
        return
    ours = ours or args[0].startswith("buddywatch")
    left -= ours
    if ours and not left:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
import importlib.util, pkgutil
import buddywatch
sys.addaudithook(watch)
runpy.run_module("buddywatch", run_name="__main__", alter_sys=True)
"""
AT_EXIT = """
import atexit, os, runpy, signal
atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))
runpy.run_module("buddywatch", run_name="__main__", alter_sys=True)
"""


def run(program, *arguments):
    argv = [sys.executable, "-c", program, *arguments]
    return subprocess.run(argv, env=ENV, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("command", [["status"], ["history", "xp-07"], ["collect", "--plain"]], ids=lambda c: c[0])
@pytest.mark.parametrize("number", [2, 3, 5, 9, 20, 40, 60])
def test_ctrl_c_while_a_command_is_imported(tmp_path, number, command):
    done = run(AT_IMPORT, str(number), "--db", str(tmp_path / "none.db"), *command)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_while_python_ends():
    done = run(AT_EXIT, "--version")
    assert (done.returncode, done.stderr) == (130, "")
