"""Runs one test file of the agent under MicroPython, which has neither pytest nor unittest.

    MICROPYPATH=agent:tests/agent micropython tests/agent/run_tests.py tests/agent/test_wire.py

Prints a line for each test and `N passed, N failed` at the end. Exit code 0 when a test ran and none failed, else 1.
"""

import sys


def _load(path):
    folder, _, name = path.rpartition("/")
    sys.path.insert(0, folder or ".")
    return __import__(name[: -len(".py")])


def _passes(name, function):
    try:
        function()
    except BaseException as error:  # SystemExit too: a test that ends the interpreter has not passed
        print("FAIL %s: %r" % (name, error))
        sys.print_exception(error)
        return False
    print("ok %s" % name)
    return True


def main(path):
    module = _load(path)
    passed = failed = 0
    for name in sorted(dir(module)):
        if name.startswith("test_"):
            if _passes(name, getattr(module, name)):
                passed += 1
            else:
                failed += 1
    print("%d passed, %d failed" % (passed, failed))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
