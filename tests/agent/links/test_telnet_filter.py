"""The telnet filter, fed with the bytes that real clients send (inetutils 2.4, busybox 1.35, plink 0.78, netcat)."""

from buddyd.links.telnet_filter import TelnetFilter, escape

# (name, what the client sends, its text, what it must be answered)
CONVERSATIONS = (
    ("nothing", b"", b"", b""),
    ("netcat and socat: LF", b"hi\n", b"hi\n", b""),
    ("inetutils and busybox: CR LF", b"hi\r\n", b"hi\n", b""),
    ("inetutils after WILL ECHO: CR NUL", b"hi\r\0", b"hi\n", b""),
    ("a bare CR", b"hi\rho\n", b"hi\nho\n", b""),
    ("two CR in a row", b"a\r\r\nb", b"a\n\nb", b""),
    ("a NUL elsewhere stays", b"a\0b", b"a\0b", b""),
    (
        "inetutils on connect to port 23",
        b"\xff\xfd\x26\xff\xfb\x26\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x21\xff\xfb\x22"
        b"\xff\xfb\x27\xff\xfd\x05",
        b"",
        b"\xff\xfc\x26\xff\xfe\x26\xff\xfc\x03\xff\xfe\x18\xff\xfe\x1f\xff\xfe\x20\xff\xfe\x21\xff\xfe\x22"
        b"\xff\xfe\x27\xff\xfc\x05",
    ),
    (
        "plink on connect",
        b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\xff\xfb\x27\xff\xfd\x01\xff\xfb\x03\xff\xfd\x03",
        b"",
        b"\xff\xfe\x1f\xff\xfe\x20\xff\xfe\x18\xff\xfe\x27\xff\xfc\x01\xff\xfe\x03\xff\xfc\x03",
    ),
    ("inetutils at Ctrl-C: IP, DO TIMING-MARK", b"hi\xff\xf4\xff\xfd\x06ho\n", b"hiho\n", b"\xff\xfc\x06"),
    ("TIMING-MARK is answered every time", b"\xff\xfd\x06\xff\xfd\x06", b"", b"\xff\xfc\x06\xff\xfc\x06"),
    ("WONT and DONT get no answer, so no loop", b"\xff\xfc\x63\xff\xfe\x63a\n", b"a\n", b""),
    ("are you there?", b"\xff\xf6", b"", b"[yes]\r\n"),
    ("a data byte of 255", b"a\xff\xffb", b"a\xffb", b""),
    ("a subnegotiation is skipped", b"a\xff\xfa\x18\x00xterm\xff\xf0b", b"ab", b""),
    ("255 inside a subnegotiation", b"a\xff\xfa\x1f\xff\xff\x00\x28\xff\xf0b", b"ab", b""),
    ("CR inside a subnegotiation", b"a\xff\xfa\x18\r\n\xff\xf0b\r\n", b"ab\n", b""),
    ("commands of one byte", b"a\xff\xf1\xff\xf9\xff\xf3\xff\xf7\xff\xf8b", b"ab", b""),
    ("a command between CR and LF", b"a\r\xff\xf1\nb", b"a\n\nb", b""),
    ("text before, after and in between", b"a\xff\xfd\x01b\xff\xfb\x01c\r\n", b"abc\n", b"\xff\xfc\x01\xff\xfe\x01"),
    ("an unfinished subnegotiation swallows what follows", b"a\xff\xfa\x18bcd\r\n", b"a", b""),
)


def talk(chunks):
    """(text, answers) of a client that sends these chunks."""
    answers = []
    nvt = TelnetFilter()
    text = b"".join([nvt.feed(chunk, answers.append) for chunk in chunks])
    return text, b"".join(answers)


def test_whole_conversation_is_understood():
    for name, sent, text, answer in CONVERSATIONS:
        assert talk([sent]) == (text, answer), name


def test_conversation_byte_by_byte_is_the_same():
    for name, sent, text, answer in CONVERSATIONS:
        assert talk([sent[i : i + 1] for i in range(len(sent))]) == (text, answer), name


def test_conversation_cut_anywhere_is_the_same():
    for name, sent, text, answer in CONVERSATIONS:
        for i in range(len(sent) + 1):
            assert talk([sent[:i], sent[i:]]) == (text, answer), (name, i)
            for j in range(i, len(sent) + 1, 3):
                assert talk([sent[:i], b"", sent[i:j], sent[j:]]) == (text, answer), (name, i, j)


def test_conversations_one_after_the_other_are_the_same():
    sent = [conversation for conversation in CONVERSATIONS[:-1] if not conversation[1].endswith(b"\r")]
    assert talk([conversation[1] for conversation in sent]) == (
        b"".join([conversation[2] for conversation in sent]),
        b"".join([conversation[3] for conversation in sent]),
    )


def test_every_option_is_refused():
    for option in range(256):
        assert talk([bytes((255, 253, option))]) == (b"", bytes((255, 252, option))), option
        assert talk([bytes((255, 251, option))]) == (b"", bytes((255, 254, option))), option


def test_feed_takes_a_buffer():
    assert talk([bytearray(b"hi\r\n"), bytearray(b"ho\n")]) == (b"hi\nho\n", b"")


def test_escape_is_undone_by_feed():
    for data in (b"", b"plain", b"\xff", b"a\xff\xffb", bytes(range(14, 256))):
        assert talk([escape(data)]) == (data, b"")
