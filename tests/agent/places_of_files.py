"""A folder that stands for a board's files, and commands in it, for the agent's tests."""

import os

from agents import agent
from buddyd.talk.conversation import Conversation
from commanding import Commander, allow_all
from scratch import Scratch

SERIAL = True


def commander(here=None):
    return Commander(Conversation(allow_all(here or agent()), SERIAL))


class Place:
    """`with Place() as place`: a folder, and place.run() of commands whose words `%s` stand for it."""

    def __init__(self):
        self.scratch = Scratch()
        self.commander = commander()

    def __enter__(self):
        self.scratch.__enter__()
        self.path = self.scratch.path.encode()
        return self

    def __exit__(self, *exc):
        self.scratch.__exit__(*exc)

    def run(self, *words):
        return self.commander.run(*[word.replace(b"%s", self.path) for word in words])

    def fails(self, *words):
        """The text of the failure, without the folder's path; there is no output."""
        output, failure, code = self.run(*words)
        assert (output, code) == (b"", 1), (output, failure, code)
        return failure.replace(self.path, b"%s")

    def works(self, *words):
        """The output; nothing fails."""
        output, failure, code = self.run(*words)
        assert (failure, code) == (b"", 0), (output, failure, code)
        return output.replace(self.path, b"%s")

    def write(self, name, data):
        self.scratch.write(name, data)

    def read(self, name):
        with open(self.scratch.path + "/" + name, "rb") as file:
            return file.read()

    def names(self, folder=""):
        return sorted(os.listdir(self.scratch.path + folder))

    def link(self, target, name):  # MicroPython makes no links
        assert os.system("ln -s %s %s/%s" % (target, self.scratch.path, name)) == 0
