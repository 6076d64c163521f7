"""Command line and configuration file: what they give, and the one line that says what is wrong."""

import binascii
import os

from buddyd import options
from harness import raises

RATES = "300 1200 2400 4800 9600 19200 38400 57600 115200 230400 460800 921600"
KEYS = (
    "name interval ring serial console telnet connect stdout secret_file allow set reserve reserve_auto watchdog "
    "blackbox map_interval proc"
)
CONFIG = "/tmp/buddyd-%s.conf" % str(binascii.hexlify(os.urandom(8)), "ascii")

GOOD = (
    # (arguments, setting, value)
    ([], "interval_ms", 5000),
    ([], "ring", 32768),
    ([], "proc", "/proc"),
    ([], "name", None),
    ([], "serial", None),
    ([], "telnet", None),
    ([], "connect", None),
    ([], "stdout", False),
    ([], "once", False),
    ([], "help", False),
    (["--name", "xport-07"], "name", "xport-07"),
    (["--name=a=b"], "name", "a=b"),
    (["--name", "--stdout"], "name", "--stdout"),
    (["--interval", "0.5"], "interval_ms", 500),
    (["--interval", ".25"], "interval_ms", 250),
    (["--interval", "5."], "interval_ms", 5000),
    (["--interval", "1.2345"], "interval_ms", 1234),
    (["--interval", "0.01"], "interval_ms", 10),
    (["--interval", "86400"], "interval_ms", 86400000),
    (["--interval", "1", "--interval", "2"], "interval_ms", 2000),
    (["--ring", "2048"], "ring", 2048),
    (["--ring", "32k"], "ring", 32768),
    (["--ring=4K"], "ring", 4096),
    (["--serial", "/dev/ttyS0"], "serial", ("/dev/ttyS0", 115200, False)),
    (["--serial", "/dev/ttyS0:9600"], "serial", ("/dev/ttyS0", 9600, False)),
    (["--serial", "/dev/ttyS0:9600:rtscts"], "serial", ("/dev/ttyS0", 9600, True)),
    (["--serial", "/dev/ttyS0:rtscts"], "serial", ("/dev/ttyS0", 115200, True)),
    (["--serial", "/dev/serial/by-path/pci-0:1.0"], "serial", ("/dev/serial/by-path/pci-0:1.0", 115200, False)),
    (["--telnet", "2323"], "telnet", ("127.0.0.1", 2323)),
    (["--telnet", "0.0.0.0:23"], "telnet", ("0.0.0.0", 23)),
    (["--connect", "collector:7777"], "connect", ("collector", 7777)),
    (["--console", "/dev/console"], "console", "/dev/console"),
    ([], "console", None),
    (["--stdout"], "stdout", True),
    (["--once"], "once", True),
    (["--help"], "help", True),
    (["--proc", "/tmp/proc"], "proc", "/tmp/proc"),
)

BAD = (
    # (arguments, what is said)
    (["--nonsense"], "unknown option --nonsense; see --help"),
    (["-h"], "unknown option -h; see --help"),
    (["--"], "unknown option --; see --help"),
    (["file"], "unknown option file; see --help"),
    ([""], "unknown option ; see --help"),
    (["--interval_ms", "5"], "unknown option --interval_ms; see --help"),
    (["--stdout=yes"], "--stdout takes no value"),
    (["--name"], "--name needs a value: NAME"),
    (["--stdout", "--serial"], "--serial needs a value: PATH[:BAUD][:rtscts]"),
    (["--telnet="], "--telnet needs a value: [ADDRESS:]PORT"),
    (["--config", ""], "--config needs a value: FILE"),
    (["--interval", "often"], "interval often: expected seconds, such as 5 or 0.5"),
    (["--interval", "-1"], "interval -1: expected seconds, such as 5 or 0.5"),
    (["--interval", "5s"], "interval 5s: expected seconds, such as 5 or 0.5"),
    (["--interval", "1.2.3"], "interval 1.2.3: expected seconds, such as 5 or 0.5"),
    (["--interval", "1.234x"], "interval 1.234x: expected seconds, such as 5 or 0.5"),
    (["--interval", "."], "interval .: expected seconds, such as 5 or 0.5"),
    (["--interval", "0"], "interval 0: expected 0.01 to 86400 seconds"),
    (["--interval", "0.009"], "interval 0.009: expected 0.01 to 86400 seconds"),
    (["--interval", "86400.001"], "interval 86400.001: expected 0.01 to 86400 seconds"),
    (["--ring", "32q"], "ring 32q: expected a number of bytes, such as 32768 or 32k"),
    (["--ring", "32kB"], "ring 32kB: expected a number of bytes, such as 32768 or 32k"),
    (["--ring", "k"], "ring k: expected a number of bytes, such as 32768 or 32k"),
    (["--ring", "-1"], "ring -1: expected a number of bytes, such as 32768 or 32k"),
    (["--ring", "2047"], "ring 2047: expected 2048 to 268435456 bytes"),
    (["--ring", "262145k"], "ring 262145k: expected 2048 to 268435456 bytes"),
    (["--serial", "/dev/ttyS0:9601"], "serial /dev/ttyS0:9601: 9601 is no usual rate; expected one of " + RATES),
    (["--telnet", "telnet"], "telnet telnet: expected [ADDRESS:]PORT with a port from 1 to 65535"),
    (["--telnet", "0"], "telnet 0: expected [ADDRESS:]PORT with a port from 1 to 65535"),
    (["--telnet", "127.0.0.1:65536"], "telnet 127.0.0.1:65536: expected [ADDRESS:]PORT with a port from 1 to 65535"),
    (["--telnet", ":23"], "telnet :23: expected [ADDRESS:]PORT with a port from 1 to 65535"),
    (["--connect", "7777"], "connect 7777: expected HOST:PORT with a port from 1 to 65535"),
    (["--connect", "host:"], "connect host:: expected HOST:PORT with a port from 1 to 65535"),
    (["--config", "/no/such/file"], "/no/such/file: no such file or device"),
    (["--config", "/tmp"], "/tmp: a folder; expected a file"),
    (["--config", "/dev/null/buddyd"], "/dev/null/buddyd: a part of this path is a file; expected a folder"),
)

GOOD_FILES = (
    # (text, setting, value)
    ("", "ring", 32768),
    ("# only a comment\n\n   \n", "ring", 32768),
    ("ring = 4k\n", "ring", 4096),
    ("ring=4k", "ring", 4096),
    ("  ring  =  4k  # small\r\n", "ring", 4096),
    ("ring = 4k\t# small\n", "ring", 4096),
    ("serial = /dev/tty#1:9600\n", "serial", ("/dev/tty#1", 9600, False)),
    ("proc = /a#b  c#d #e\n", "proc", "/a#b  c#d"),
    ("ring = 4k\nring = 8k\n", "ring", 8192),
    ("name = xport-07\nstdout = yes\n", "stdout", True),
    ("stdout = no\n", "stdout", False),
    ("serial = /dev/ttyS0:9600\n", "serial", ("/dev/ttyS0", 9600, False)),
    ("telnet = 23\n", "telnet", ("127.0.0.1", 23)),
)

BAD_FILES = (
    # (text, what is said after the file's name)
    ("ring\n", " line 1: expected `key = value`, found: ring"),
    ("name = #4\n", " line 1: expected `key = value`, found: name ="),
    ("\n\nring =\n", " line 3: expected `key = value`, found: ring ="),
    ("= 5\n", " line 1: unknown key ; known: " + KEYS),
    ("speed = 5\n", " line 1: unknown key speed; known: " + KEYS),
    ("once = yes\n", " line 1: unknown key once; known: " + KEYS),
    ("config = other\n", " line 1: unknown key config; known: " + KEYS),
    ("help = yes\n", " line 1: unknown key help; known: " + KEYS),
)


def load(arguments, text):
    """options.load() with a configuration file that holds text (str or bytes)."""
    with open(CONFIG, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    try:
        return options.load(["--config", CONFIG] + arguments)
    finally:
        os.remove(CONFIG)


def test_arguments_give_settings():
    for arguments, name, value in GOOD:
        assert load(arguments, "")[name] == value, arguments


def test_bad_arguments_are_named():
    for arguments, message in BAD:
        assert str(raises(options.OptionError, options.load, arguments)) == message, arguments


def test_file_gives_settings():
    for text, name, value in GOOD_FILES:
        assert load([], text)[name] == value, text


def test_bad_lines_of_a_file_are_named():
    for text, message in BAD_FILES:
        assert str(raises(options.OptionError, load, [], text)) == CONFIG + message, text


def test_bad_values_of_a_file_are_named():
    assert str(raises(options.OptionError, load, [], "stdout = maybe\n")) == "stdout = maybe: expected yes or no"
    message = "ring 32q: expected a number of bytes, such as 32768 or 32k"
    assert str(raises(options.OptionError, load, [], "ring = 32q\n")) == message


def test_file_that_is_no_text_is_named():
    message = CONFIG + ": expected text, found bytes that are not UTF-8"
    assert str(raises(options.OptionError, load, [], b"ring = \xff\xfe\n")) == message


def test_folder_is_no_file():
    error = raises(options.OptionError, options.load, ["--config", "/"])
    assert str(error).startswith("/: "), error


def test_arguments_win_over_the_file():
    settings = load(["--ring", "8k"], "ring = 4k\nname = from-file\n")
    assert (settings["ring"], settings["name"]) == (8192, "from-file")


def test_usage_names_every_option():
    usage = options.usage()
    for name, _, text, _ in options.OPTIONS:
        assert "--" + name in usage
        assert text in usage
    assert max([len(line) for line in usage.split("\n")]) <= 102


def test_default_file_is_read_only_where_there_is_one():
    before = options.DEFAULT_CONFIG
    options.DEFAULT_CONFIG = CONFIG
    try:
        assert options.load([])["ring"] == 32768
        with open(CONFIG, "w") as file:
            file.write("ring = 4k\n")
        assert options.load([])["ring"] == 4096
    finally:
        options.DEFAULT_CONFIG = before
        os.remove(CONFIG)


def write_secret(path, text, mode="600"):
    with open(path, "w") as file:
        file.write(text)
    os.system("chmod %s %s" % (mode, path))


def test_secret_that_others_may_read_is_refused():
    path = CONFIG + ".secret"
    try:
        for mode in ("604", "602", "601", "666"):
            write_secret(path, "correct-horse-battery-staple\n", mode)
            error = str(raises(options.OptionError, options.load, ["--secret-file", path]))
            expected = "secret-file %s: readable by other users (mode 0%s); run: chmod 600 %s" % (path, mode, path)
            assert error == expected
        for mode in ("400", "640"):
            write_secret(path, "correct-horse-battery-staple\n", mode)
            assert options.load(["--secret-file", path])["secret"]
            os.remove(path)
    finally:
        os.system("rm -f " + path)


def test_secret_is_read_from_a_file_only():
    path = CONFIG + ".secret"
    write_secret(path, "correct-horse-battery-staple\n")
    try:
        expected = b"correct-horse-battery-staple"
        assert options.load(["--secret-file", path])["secret"] == expected
        assert load([], "secret_file = %s\n" % path)["secret"] == expected
        assert load([], "secret-file = %s\n" % path)["secret"] == expected
    finally:
        os.remove(path)
    assert load([], "")["secret"] is None
    error = str(raises(options.OptionError, options.load, ["--secret-file", path]))
    assert error == "secret-file %s: no such file or device" % path
    write_secret(path, "too short\n")
    try:
        error = str(raises(options.OptionError, options.load, ["--secret-file", path]))
    finally:
        os.remove(path)
    assert error.startswith("secret-file %s: expected one line of 16 to 128 printable characters" % path)
    assert "too short" not in error
