"""Settings: the command line overrides the configuration file, which overrides defaults. One table has all options."""

import os

from . import compat, const, ring

# (name, argument or "" for a switch, help, default as written by a user)
OPTIONS = (
    ("config", "FILE", "`key = value` lines, the keys are these options", "/etc/buddyd.conf"),
    ("name", "NAME", "board name in the hello", "the host name, else board"),
    ("interval", "SECONDS", "time between polls", "5"),
    ("ring", "BYTES", "ring size, allocated at start (32768, 32k)", "32768"),
    ("serial", "PATH[:BAUD][:rtscts]", "stream over a serial line (raw, 8N1)", "off; 115200"),
    ("console", "PATH", "stream on a terminal that a shell uses; only write", "off"),
    ("telnet", "[ADDRESS:]PORT", "listen for telnet", "off; address 127.0.0.1"),
    ("connect", "HOST:PORT", "dial out to a collector that listens", "off"),
    ("stdout", "", "stream to standard output", "off"),
    ("secret-file", "FILE", "secret that telnet and connect require", "none"),
    ("allow", "LIST", "commands for proven hosts: files,processes,tuning,reboot", "none"),
    ("set", "KEY=VALUE[,...]", "sysctls written once, such as vm.nr_trim_pages=0", "none"),
    ("reserve", "SIZE[,SIZE...]", "blocks taken at start, given back by `release` (64k,64k)", "none"),
    ("reserve-auto", "", "give them back when the kernel refuses a start", "off"),
    ("watchdog", "PATH", "feed this watchdog in each poll", "off"),
    ("blackbox", "FILE", "write the newest frames there after a kernel failure", "off"),
    ("map-interval", "SECONDS", "time between maps, without an MMU; 0: none", "600"),
    ("proc", "DIR", "where /proc is", "/proc"),
    ("once", "", "print one human-readable status and exit", ""),
    ("help", "", "print this help and exit", ""),
)
LINKS = ("serial", "console", "telnet", "connect", "stdout")
DEFAULT_CONFIG = "/etc/buddyd.conf"
INTERVAL_MIN_MS, INTERVAL_MAX_MS = 10, 86400000
MAP_MIN_S = 10
_BLOCKS_MAX = const(16)
_BLOCK_MAX = const(4194304)
_FED_MAX_S = const(20)  # most watchdogs reset after 60 s
RING_MAX = 1 << 28
ALLOWED = ("files", "processes", "tuning", "reboot")
BAUDS = (300, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600)


class OptionError(ValueError):
    """One line for the user: the place, what was found, what is allowed."""


def usage():
    """The help text: one line an option."""
    lines = ["usage: buddyd [OPTION]...    at least one link: " + links_in_words(), ""]
    for name, argument, text, default in OPTIONS:
        left = "  --" + name + (" " + argument if argument else "")
        lines.append("%-26s %s%s" % (left, text, " (default: %s)" % default if default else ""))
    lines.append("")
    lines.append("exit codes: 0 stopped by request, 2 usage or configuration, 3 nothing to read, 4 no link")
    return "\n".join(lines)


def links_in_words():
    """The options that open a link, as a list for a sentence."""
    return "--" + ", --".join(LINKS[:-1]) + " or --" + LINKS[-1]


def load(arguments):
    """Settings (dict, values as documented at check()) from command line arguments and the configuration file."""
    given = _from_arguments(arguments)
    path = given.get("config")
    texts = {}
    if path or compat.exists(DEFAULT_CONFIG):
        texts = _from_file(path or DEFAULT_CONFIG)
    for name in given:
        texts[name] = given[name]
    return check(texts)


def _from_arguments(arguments):
    given, i = {}, 0
    while i < len(arguments):
        word = arguments[i]
        name, equals, value = word[2:].partition("=")
        option = _find(name) if word[:2] == "--" else None
        if option is None:
            raise OptionError("unknown option %s; see --help" % word)
        if not option[1]:
            if equals:
                raise OptionError("--%s takes no value" % name)
            value = "yes"
        elif not equals:
            i += 1
            if i == len(arguments):
                raise OptionError("--%s needs a value: %s" % (name, option[1]))
            value = arguments[i]
        if not value:
            raise OptionError("--%s needs a value: %s" % (name, option[1]))
        given[name] = value
        i += 1
    return given


def _find(name):
    for option in OPTIONS:
        if option[0] == name:
            return option
    return None


def _key(option):
    """An option's name in the configuration file."""
    return option[0].replace("-", "_")


def _from_file(path):
    try:
        with open(path) as file:
            lines = file.readlines()
    except OSError as error:
        raise OptionError("%s: %s" % (path, compat.reason(error)))
    except UnicodeError:
        raise OptionError("%s: expected text, found bytes that are not UTF-8" % path)
    texts, number = {}, 0
    for line in lines:
        number += 1
        line = _without_comment(line)
        if not line:
            continue
        name, equals, value = line.partition("=")
        name, value = name.strip(), value.strip()
        if not equals or not value:
            raise OptionError("%s line %d: expected `key = value`, found: %s" % (path, number, line))
        option = _find(name.replace("_", "-"))
        if option is None or option[0] in ("config", "once", "help"):
            known = " ".join([_key(option) for option in OPTIONS[1:-2]])
            raise OptionError("%s line %d: unknown key %s; known: %s" % (path, number, name, known))
        texts[option[0]] = value
    return texts


def _without_comment(line):
    """A comment begins at the start of a line or after a blank: the # in `secret_file = /etc/key#2` is not one."""
    words = line.replace("\t", " ").split(" ")
    for i in range(len(words)):
        if words[i][:1] == "#":
            return " ".join(words[:i]).strip()
    return line.strip()


def check(texts):
    """Settings from texts (dict of option name to text).

    name, proc: str. interval_ms, map_ms (0: no maps), ring: int. serial: None or (path, baud, rtscts). console,
    watchdog, blackbox: None or a path. telnet, connect: None or (host, port). secret: None or bytes. allow: a tuple of
    ALLOWED. set: a tuple of (key, value). reserve: a tuple of bytes. reserve-auto, stdout, once, help: bool.
    OptionError for malformed values or values out of range.
    """
    settings = {"name": texts.get("name"), "proc": texts.get("proc", "/proc"), "console": texts.get("console")}
    settings["interval_ms"] = _milliseconds(texts.get("interval", "5"))
    settings["map_ms"] = _map_milliseconds(texts.get("map-interval", "600"))
    settings["ring"] = _size("ring", texts.get("ring", "32768"), ring.SIZE_MIN, RING_MAX)
    settings["reserve"] = _blocks(texts.get("reserve", ""))
    settings["watchdog"], settings["blackbox"] = texts.get("watchdog"), texts.get("blackbox")
    for name in ("stdout", "once", "help", "reserve-auto"):
        settings[name] = _switch(name, texts.get(name, "no"))
    serial = texts.get("serial")
    settings["serial"] = _serial(serial) if serial else None
    telnet = texts.get("telnet")
    settings["telnet"] = _endpoint("telnet", telnet, "127.0.0.1") if telnet else None
    connect = texts.get("connect")
    settings["connect"] = _endpoint("connect", connect, None) if connect else None
    settings["allow"] = _allowed(texts.get("allow", ""))
    settings["set"] = _sysctls(texts.get("set", ""))
    path = texts.get("secret-file")
    settings["secret"] = _secret(path) if path else None
    if settings["reserve-auto"] and not settings["reserve"]:
        raise OptionError("reserve-auto: needs --reserve")
    if settings["watchdog"] and settings["interval_ms"] > _FED_MAX_S * 1000:
        raise OptionError("watchdog: needs an interval of at most %d s, as it resets the board" % _FED_MAX_S)
    return settings


def _allowed(text):
    found = [word.strip() for word in text.split(",") if word.strip()]
    for word in found:
        if word not in ALLOWED:
            raise OptionError("allow %s: expected some of %s, with commas between them" % (text, ", ".join(ALLOWED)))
    return tuple([word for word in ALLOWED if word in found])


def _sysctls(text):
    found = []
    for item in text.split(",") if text else ():
        key, _, value = item.partition("=")
        key, value = key.strip(), value.strip()
        if not value or "" in key.replace(".", "/").split("/") or len(key) > 100:
            raise OptionError("set %s: expected KEY=VALUE, such as vm.nr_trim_pages=0" % item)
        found.append((key, value))
    return tuple(found)


def _secret(path):
    try:
        from .talk import secret  # 2 kB of heap, needed only with a secret
    except ImportError:
        raise OptionError("secret-file %s: this interpreter is built without hashlib and its SHA-256" % path)
    try:
        mode = os.stat(path)[0]
        # A group may read it: services often have their secrets as root:service 0640. The mode of a pipe says nothing.
        if mode & 0o170000 == 0o100000 and mode & 0o007:
            raise OptionError(
                "secret-file %s: readable by other users (mode 0%o); run: chmod 600 %s" % (path, mode & 0o777, path)
            )
        with open(path, "rb") as file:
            return secret.checked(file.read(1024))
    except OptionError:
        raise
    except OSError as error:
        raise OptionError("secret-file %s: %s" % (path, compat.reason(error)))
    except ValueError as error:
        raise OptionError("secret-file %s: %s" % (path, error))


def _switch(name, text):
    if text not in ("yes", "no"):
        raise OptionError("%s = %s: expected yes or no" % (name, text))
    return text == "yes"


def _milliseconds(text):
    whole, _, part = text.partition(".")
    digits = (part + "000")[:3]
    if not _is_number(whole or "0") or not _is_number(part or "0") or text == ".":
        raise OptionError("interval %s: expected seconds, such as 5 or 0.5" % text)
    value = int(whole or "0") * 1000 + int(digits)
    if not INTERVAL_MIN_MS <= value <= INTERVAL_MAX_MS:
        raise OptionError("interval %s: expected 0.01 to 86400 seconds" % text)
    return value


def _map_milliseconds(text):
    if not _is_number(text) or 0 < int(text) < MAP_MIN_S or int(text) > INTERVAL_MAX_MS // 1000:
        raise OptionError("map-interval %s: expected 0, or %d to 86400 seconds" % (text, MAP_MIN_S))
    return int(text) * 1000


def _blocks(text):
    sizes = [_size("reserve", part.strip(), 4096, _BLOCK_MAX) for part in text.split(",")] if text else []
    if len(sizes) > _BLOCKS_MAX:
        raise OptionError("reserve %s: expected at most %d blocks" % (text, _BLOCKS_MAX))
    return tuple(sizes)


def _size(name, text, least, most):
    digits, scale = text, 1
    if text[-1:] in ("k", "K"):
        digits, scale = text[:-1], 1024
    if not _is_number(digits):
        raise OptionError("%s %s: expected a number of bytes, such as 32768 or 32k" % (name, text))
    value = int(digits) * scale
    if not least <= value <= most:
        raise OptionError("%s %s: expected %d to %d bytes" % (name, text, least, most))
    return value


def _serial(text):
    rtscts = text.endswith(":rtscts")
    if rtscts:
        text = text[:-7]
    path, colon, baud = text, "", ""
    at = text.rfind(":")
    if at > 0 and _is_number(text[at + 1 :]):
        path, colon, baud = text[:at], ":", text[at + 1 :]
    rate = int(baud) if colon else 115200
    if rate not in BAUDS:
        raise OptionError("serial %s: %d is no usual rate; expected one of %s" % (text, rate, _words(BAUDS)))
    return path, rate, rtscts


def _endpoint(name, text, default_host):
    at = text.rfind(":")
    host, port = (text[:at], text[at + 1 :]) if at >= 0 else (default_host, text)
    if not host or not _is_number(port) or not 0 < int(port) < 65536:
        shape = "[ADDRESS:]PORT" if default_host else "HOST:PORT"
        raise OptionError("%s %s: expected %s with a port from 1 to 65535" % (name, text, shape))
    return host, int(port)


def _is_number(text):
    for char in text:
        if not "0" <= char <= "9":
            return False
    return bool(text) and len(text) < 10


def _words(numbers):
    return " ".join([str(number) for number in numbers])
