"""How the words of a command are read: options, numbers, and how many there may be."""

from . import Wrong


def options(command, words, known):
    """(the options as {letter: value}, the other words). known: letters, each with a colon behind it if it has a value.

    Options end at `--`, and at the first word that is none. Wrong: an unknown one, or a value that is missing.
    """
    found, at = {}, 0
    while at < len(words) and words[at][:1] == b"-" and len(words[at]) > 1:
        word, at = words[at], at + 1
        if word == b"--":
            break
        letters = "".join([chr(byte) for byte in word[1:]])
        while letters:
            letter, letters = letters[0], letters[1:]
            place = known.find(letter)
            if place < 0 or letter == ":":
                raise Wrong("%s: invalid option -- '%s'" % (command, letter))
            value = True
            if known[place + 1 : place + 2] == ":":
                value, letters = letters.encode(), ""
                if not value:
                    if at == len(words):
                        raise Wrong("%s: option requires an argument -- '%s'" % (command, letter))
                    value, at = words[at], at + 1
            found[letter] = value
    return found, words[at:]


def need(command, words, least, usage, most=1000):
    """Wrong if there are too few or too many words for a command."""
    if not least <= len(words) <= most:
        raise Wrong("Usage: %s %s" % (command, usage))


def number(command, word):
    """A decimal number of at most 9 digits; with a k or M behind it 1024 or 1024 * 1024 times that. Wrong."""
    digits, scale = word, 1
    if word[-1:] in (b"k", b"K"):
        digits, scale = word[:-1], 1024
    elif word[-1:] == b"M":
        digits, scale = word[:-1], 1048576
    if not digits.isdigit() or len(digits) > 9 or int(digits) * scale >= 1 << 31:
        raise Wrong("%s: invalid number '%s'" % (command, "".join([chr(byte) for byte in word[:20]])))
    return int(digits) * scale
