"""A temporary folder for a test, under CPython and MicroPython alike."""

import binascii
import os


class Scratch:
    """`with Scratch() as scratch`: an empty folder at scratch.path, gone afterwards."""

    def __init__(self):
        self.path = "%s/buddyd-%s" % (os.getenv("TMPDIR") or "/tmp", str(binascii.hexlify(os.urandom(6)), "ascii"))

    def __enter__(self):
        os.mkdir(self.path)
        return self

    def __exit__(self, *_):
        os.system('rm -r "%s"' % self.path)

    def write(self, name, data):
        """Write data (bytes) to the file `name`, making its folders; the path."""
        folder = self.path
        for part in name.split("/")[:-1]:
            folder += "/" + part
            try:
                os.mkdir(folder)
            except OSError:
                pass  # it exists
        path = "%s/%s" % (self.path, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def remove(self, name):
        """Remove the file or folder `name`."""
        os.system('rm -r "%s/%s"' % (self.path, name))
