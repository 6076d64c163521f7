"""The live view as lines. Expected lines were checked by eye; the property holds for any board and any size."""

from dataclasses import replace

import pytest
from buddywatch.config.sections import Need
from buddywatch.model.samples import Snapshot, Zone
from buddywatch.terminal.dashboard import BoardView, ViewState, render
from buddywatch.terminal.style import Style, painted, shade
from buddywatch.verdict.judge import board_state
from hypothesis import given
from hypothesis import strategies as st
from terminal import Terminal

PLAIN = Style(colour=False)
ASCII = Style(colour=False, unicode=False)
NEEDS = (Need("rm", 61440, is_program=True), Need("sh", 8192))
FACTS = {"page_bytes": "4096", "kernel": "2.6.30-uc0"}
FRAGMENTED = (300, 120, 40, 8, 1, 0, 0, 0, 0, 0, 0)
FRESH = (3, 2, 3, 7, 3, 4, 3, 2, 0, 0, 1)


def board(name="xp-07", nr_free=FRAGMENTED, facts=FACTS, marks=(45, 56, 67, 0), **more):
    zones = (Zone(0, "DMA", nr_free, *marks),)
    snapshot = Snapshot("1a2b3c4d", 5, 5, 0.0, 123_456, zones, 77)
    values = {"links": (("tcp://10.0.0.7:2323", True),), "age_s": 3.2, "kernel": "Linux 2.6.30-uc0"}
    return BoardView(name, snapshot=snapshot, state=board_state(snapshot, facts, NEEDS), **{**values, **more})


def view(*boards, message="Ctrl-C ends"):
    return ViewState(boards, "2026-11-22 10:15:03", "/var/lib/buddywatch/buddywatch.db", message)


def shown(state, width=80, height=24, style=PLAIN):
    return [line.rstrip() for line in render(state, width, height, style)]


def test_one_board_is_shown_with_everything():
    state = view(
        board(
            alerts=("critical: refused rm for 5 min",),
            gaps="lost 15 frames, the last 130..144",
            ring="ring 32 kB",
            events=("10:12:01 Allocation of length 61440 from process 6821 (rm) failed",),
            processes_per_s=0.5,
        )
    )
    assert shown(state)[:14] == [
        "buddywatch  2026-11-22 10:15:03  1 board, 1 open alert",
        "─" * 80,
        "xp-07  data 3 s old  ● tcp://10.0.0.7:2323",
        "  Linux 2.6.30-uc0; processes/s 0.5",
        "  free 3120 kB, largest request that succeeds: 32 kB (largest free block: 64 kB)",
        "  rm (needs a 64 kB block): FAILS: the largest usable block is 32 kB",
        "  sh (needs an 8 kB block): OK, 1824 kB to spare in blocks of 8 kB or larger",
        "           4k    8k   16k   32k   64k  128k  256k  512k    1M    2M    4M",
        "  DMA     300   120    40     8     1     0     0     0     0     0     0",
        "  ring 32 kB; lost 15 frames, the last 130..144",
        "  ! critical: refused rm for 5 min",
        "  10:12:01 Allocation of length 61440 from process 6821 (rm) failed",
        "",
        "",
    ]
    assert shown(state)[-1] == "Ctrl-C ends"


def test_many_boards_are_shown_with_less_and_those_in_trouble_with_more():
    calm = [board(f"calm-{i}", FRESH) for i in range(12)]
    lines = shown(view(*calm[:6], board("bad"), *calm[6:]))
    assert [line.split()[0] for line in lines if not line.startswith((" ", "─", "buddywatch", "Ctrl-C"))] == [
        *(f"calm-{i}" for i in range(6)),
        "bad",
        *(f"calm-{i}" for i in range(6, 12)),
    ]
    assert any("FAILS: the largest" in line for line in lines)
    assert "calm-11 ● data 3 s old  free 6892 kB, largest request 4 MB  rm OK  sh OK" in lines


def test_more_boards_than_lines_are_counted_and_those_in_trouble_are_kept():
    lines = shown(view(*[board(f"calm-{i:02}", FRESH) for i in range(30)], board("bad")), height=10)
    assert len(lines) == 10
    assert lines[2].startswith("bad ●")
    assert lines[-2] == "and 25 more boards"


def test_links_without_a_board_are_listed_below_the_boards():
    unheard = tuple(f"tcp://10.0.0.{i}:2323: no board heard; connection refused; collect tries again" for i in range(5))
    lines = shown(replace(view(board()), unheard=unheard), 100, 12)
    assert len(lines) == 12
    assert lines[-5:-2] == [f"link {text}" for text in unheard[:3]]
    assert lines[-2:] == ["and 2 links more without a board", "Ctrl-C ends"]
    alone = shown(replace(view(), unheard=unheard[:1]), 100)
    assert alone[2] == "no data from any board yet"
    assert alone[-2] == f"link {unheard[0]}"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"marks": ()}, "rm (needs a 64 kB block): unknown: the board has no watermarks", id="no-zoneinfo"),
        pytest.param(
            {"facts": {"kernel": "2.6.30"}}, "rm (needs 61440 bytes): unknown: the board's page size", id="no-page-size"
        ),
        pytest.param(
            {"facts": {"page_bytes": "4096"}},
            "rm (needs a 64 kB block): unknown: no rule is known for this kernel release",
            id="no-release",
        ),
        pytest.param({"facts": {}}, "free unknown, largest request that succeeds: unknown", id="nothing"),
        pytest.param({"processes_per_s": None}, "processes/s unknown", id="no-rate"),
    ],
)
def test_unknown_is_said_and_is_not_zero(changed, expected):
    lines = shown(view(board(**changed)))
    assert any(expected in line for line in lines)
    assert not any("0 B" in line or "succeeds: 0" in line or "none" in line for line in lines)


def test_board_that_was_never_heard_is_unknown():
    lines = shown(view(BoardView("new")))
    assert lines[2:5] == [
        "new  no data yet  no link",
        "  kernel unknown; processes/s unknown",
        "  memory unknown: no snapshot yet",
    ]


def test_board_without_a_link_is_not_called_down_on_its_one_line():
    lines = shown(view(*[BoardView(f"new-{i}") for i in range(25)]), height=40)
    assert "new-24 no link no data yet  no snapshot yet" in lines


def test_nothing_to_hand_out_is_said():
    assert any("largest request that succeeds: none" in line for line in shown(view(board(nr_free=(0,) * 11))))


def test_lack_of_boards_is_said():
    assert shown(view())[2] == "no data from any board yet"


def test_page_size_unknown_gives_orders_for_sizes():
    assert any(line.split()[:3] == ["#0", "#1", "#2"] for line in shown(view(board(facts={}))))


def test_text_of_a_board_cannot_steer_the_terminal():
    evil = "\x1b[2J\x9b31m\r\n\u202ex"
    state = view(board(evil, alerts=(evil,), events=(evil,), gaps=evil, kernel=evil, links=((evil, False),)))
    for line in render(state, 200, 24, PLAIN):
        assert line.isprintable()
    assert "\\x1b[2J\\x9b31m\\x0d\\x0a\\u202ex" in "\n".join(render(state, 200, 24, PLAIN))


def test_ascii_style_gives_ascii_only():
    state = view(board(links=(("a", True), ("b", False))), board("x" * 100))
    lines = render(state, 60, 24, ASCII)
    assert all(line.isascii() for line in lines)
    assert "  up a  down b" in lines[2]


def test_colour_says_nothing_that_words_do_not():
    state = view(board(alerts=("critical: refused",)), board("calm", FRESH))
    coloured = Terminal(rows=24)
    for row, line in enumerate(render(state, 80, 24, Style())):
        coloured.feed(f"\x1b[{row + 1};1H{line}")
    assert coloured.lines() == shown(state)
    assert {"1;31", "32", shade(300)} <= coloured.styles


def test_shade_grows_with_the_count():
    assert len({shade(count) for count in (0, 1, 2, 4, 8, 16)}) == 6
    assert shade(16) == shade(10**9)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(99_999, "99999"), (123_456, " 123k"), (12_345_678, "  12M"), (10**30, "+++++")],
    ids=["fits", "thousands", "millions", "absurd"],
)
def test_large_counts_keep_their_column(count, expected):
    lines = shown(view(board(nr_free=(count, 1))))
    row = next(line for line in lines if line.startswith("  DMA"))
    assert row == f"  DMA   {expected}     1"


def test_many_zones_are_cut_and_counted():
    one = board()
    zones = tuple(Zone(node, name, (1, 2), 1, 2, 3, 0) for node in range(4) for name in ("DMA", "Normal"))
    lines = shown(view(replace(one, snapshot=replace(one.snapshot, zones=zones))))
    assert [line for line in lines if "/" in line and line.startswith("  ")][-1].startswith("  2/Normal")
    assert "  and 2 zones more" in lines


def test_painted_line_is_cut_with_a_mark():
    assert painted([("abc", ""), ("defg", "1")], 6, Style()) == "abc\x1b[1mde…\x1b[0m"
    assert painted([("abc", ""), ("defg", "1")], 7, Style()) == "abc\x1b[1mdefg\x1b[0m"
    assert painted([("abc", "")], 2, ASCII) == "a>"


TEXT = st.text(max_size=60)
COUNTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=14).map(tuple)
MARKS = st.sampled_from([(45, 56, 67, 0), ()])
PAGES = st.sampled_from([{}, FACTS, {"page_bytes": "8192", "kernel": "6.1.0"}])
BOARDS = st.builds(
    board,
    TEXT,
    COUNTS,
    PAGES,
    MARKS,
    alerts=st.lists(TEXT, max_size=6).map(tuple),
    events=st.lists(TEXT, max_size=3).map(tuple),
    gaps=TEXT,
    ring=TEXT,
    links=st.lists(st.tuples(TEXT, st.booleans()), max_size=3).map(tuple),
    age_s=st.none() | st.floats(0, 1e9),
) | st.builds(BoardView, TEXT)


@given(
    st.lists(BOARDS, max_size=6),
    TEXT,
    st.lists(TEXT, max_size=5).map(tuple),
    st.integers(1, 120),
    st.integers(0, 30),
    st.builds(Style, st.booleans(), st.booleans()),
)
def test_view_fits_any_terminal(boards, message, unheard, width, height, style):
    lines = render(replace(view(*boards, message=message), unheard=unheard), width, height, style)
    assert len(lines) <= height
    terminal = Terminal(columns=width, rows=max(height, 1))
    for row, line in enumerate(lines):
        terminal.feed(f"\x1b[{row + 1};1H{line}")
