"""Helpers for the agent's tests, for CPython and MicroPython alike.

A test file holds plain functions `test_*()` with bare asserts. pytest collects it under CPython, and run_tests.py runs
it under MicroPython.
"""

import json

_AGENT_TESTS = __file__.rpartition("/")[0] or "."
_TESTS = _AGENT_TESTS + "/.."


def raises(exception, function, *args):
    """Return the exception of type `exception` that function(*args) raises; AssertionError when it raises none."""
    try:
        result = function(*args)
    except exception as error:
        return error
    raise AssertionError("%s not raised, returned %r" % (exception.__name__, result))


def fixture(path):
    """Return the path of tests/fixtures/`path`, for example "captures/fresh-4k-bflt/proc"."""
    return "%s/fixtures/%s" % (_TESTS, path)


def read(path):
    """Return the bytes of tests/fixtures/`path`."""
    with open(fixture(path), "rb") as file:
        return file.read()


def vectors(name):
    """Return what tests/vectors/`name` (JSON) holds."""
    with open("%s/vectors/%s" % (_TESTS, name)) as file:
        return json.load(file)
