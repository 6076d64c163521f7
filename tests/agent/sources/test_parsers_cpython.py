"""Whatever bytes come, a parser gives a result or raises ValueError, and the chunks that they come in do not matter."""

from collections.abc import Callable

import pytest
from buddyd.sources import buddyinfo, kernel_messages, meminfo, stat, uptime, zoneinfo
from buddyd.sources.procfile import LineCutter
from hypothesis import example, given
from hypothesis import strategies as st

WORDS = [
    *(b"Node", b"0,", b"zone", b"DMA", b"min", b"high", b"pages", b"free", b"protection:", b"(0, 1)", b"("),
    *(b"MemFree:", b"kB", b"cpu", b"processes", b"12.34", b".", b"5", b"-7", b"9" * 5000),
    *(b"\xff", b"\0", b";", b"6,1,2,-;", b"\\x4"),
]
MESSAGES = [
    *("nommu: ", "Allocation of ", "length ", "vma for ", "vma tree ", " process ", " (", ") failed", " failed"),
    *(": page allocation failure", " order:", " invoked oom-killer: ", " order=", "Killed", "Out of memory: Kill"),
    *("binfmt_flat: ", "Unable to ", ", errno -", "<4>", "[   12.345678]", "[ T1]", "] ", "[", "10:00:00 kernel: "),
    *("7", "9" * 30, "\u00b2", "\udc80", "\r"),
]
PARSERS: list[Callable[[bytes], object]] = [
    *(buddyinfo.parse_line, zoneinfo.parse_line, meminfo.parse_line),
    *(stat.parse_line, uptime.parse_line, kernel_messages.parse_record),
]

any_bytes = st.one_of(
    st.binary(max_size=300),
    st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=4)), max_size=12).map(b" ".join),
    st.lists(st.sampled_from(WORDS), max_size=6).map(b"".join),
)
any_text = st.one_of(
    st.text(st.characters(), max_size=200),
    st.lists(st.one_of(st.sampled_from(MESSAGES), st.text(st.characters(), max_size=4)), max_size=10).map("".join),
)
# What a process may call itself: 15 bytes of anything but NUL (TASK_COMM_LEN), as kernlog.printable() shows them.
comms = st.binary(min_size=1, max_size=15).map(kernel_messages.printable)
numbers = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: f"{parse.__module__}.{parse.__name__}")
@given(line=any_bytes)
@example(line=b"")
def test_parser_gives_a_result_or_value_error(parse: Callable[[bytes], object], line: bytes) -> None:
    try:
        parse(line)
    except ValueError:
        pass


@given(text=any_text)
def test_kernlog_parse_gives_a_finding_or_none(text: str) -> None:
    found = kernel_messages.parse(text)
    if found is not None:
        kind, number, pid, comm = found
        assert kind in ("alloc", "page", "oom", "kill", "load", "vma")
        assert number >= 0 and (pid is None or pid >= 0) and (comm is None or comm in text)


@given(line=any_text)
def test_strip_prefix_gives_the_end_of_the_line(line: str) -> None:
    text, stamp_cs, level = kernel_messages.strip_prefix(line)
    assert line.endswith(text)
    assert (stamp_cs is None or stamp_cs >= 0) and level in (None, *range(8))


@given(size=numbers, pid=st.integers(0, 2**31 - 1), comm=comms, prefix=st.sampled_from(["", "nommu: "]))
def test_alloc_line_gives_back_what_the_kernel_put_in(size: int, pid: int, comm: str, prefix: str) -> None:
    line = f"{prefix}Allocation of length {size} from process {pid} ({comm}) failed"
    assert kernel_messages.parse(line) == ("alloc", size, pid, comm)


@given(order=st.integers(0, 14), comm=comms, sign=st.sampled_from(".:"))
def test_page_line_gives_back_what_the_kernel_put_in(order: int, comm: str, sign: str) -> None:
    line = f"{comm}: page allocation failure{sign} order:{order}, mode:0xd0"
    assert kernel_messages.parse(line) == ("page", order, None, comm)


@given(pid=st.integers(0, 2**31 - 1), comm=comms)
def test_kill_line_gives_back_what_the_kernel_put_in(pid: int, comm: str) -> None:
    for line in (f"Out of memory: Killed process {pid} ({comm}) total-vm:0kB, UID:0", f"Killed process {pid} ({comm})"):
        assert kernel_messages.parse(line) == ("kill", 0, pid, comm)


@given(text=st.binary(max_size=100).filter(lambda text: b"\n" not in text), usec=numbers, sequence=numbers)
def test_record_gives_back_what_the_kernel_put_in(text: bytes, usec: int, sequence: int) -> None:
    escaped = b"".join(bytes([byte]) if 32 <= byte < 127 and byte != 0x5C else b"\\x%02x" % byte for byte in text)
    record = b"6,%d,%d,-;%s\n SUBSYSTEM=x\n" % (sequence, usec, escaped)
    assert kernel_messages.parse_record(record) == (kernel_messages.printable(text), usec // 10000, sequence)


@given(
    text=st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\nab", b"Node "]), max_size=60).map(b"".join),
    size=st.integers(1, 40),
    wanted=st.sampled_from([None, b"\na", b"\nab", b"\nNode "]),
)
def test_lines_do_not_depend_on_the_chunks(text: bytes, size: int, wanted: bytes | None) -> None:
    cutter, seen = LineCutter(64), []

    def handler(line: bytes) -> bytes | None:
        seen.append(line)
        return wanted

    for start in range(0, len(text), size):
        chunk = text[start : start + size]
        cutter.buffer[: len(chunk)] = chunk
        assert not cutter.feed(len(chunk), handler)
    assert cutter.feed(0, handler)
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()  # the last newline ends a line
    assert seen == [line[:64] for i, line in enumerate(lines) if i == 0 or not wanted or line.startswith(wanted[1:])]
