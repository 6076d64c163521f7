"""A map in words and rows: what mails, `status` and the live view show of it."""

from buddywatch.model.memory_map import MappedProgram, MemoryMap, Rescue
from buddywatch.text.map_words import OTHER, letters_of, owner_rows, rescue_words, strip

SMALL = MappedProgram(31, "start-60k", 600, ((0x403C0, 15),))
LARGE = MappedProgram(40, "ht\x1btpd", 1200, ((0x40400, 40), (0x40500, 2)))


def test_rescue_names_programs_and_where_they_are():
    words = rescue_words(Rescue("rm", (LARGE, SMALL), 4096, 0.0))
    assert words.startswith("rm would succeed if ht\\x1btpd (pid 40, 168 kB in 2 pieces) and start-60k (pid 31, 60 kB")
    assert " at 0x403c0000) ended (by the map of " in words and words.endswith("); less may be enough")


def test_owners_come_by_what_they_hold_with_what_their_end_makes():
    found = MemoryMap("b", 0.0, 3_600_000, (SMALL, LARGE), True)
    assert owner_rows(found, 4096, 11) == [
        ["ht\\x1btpd 40", "168 kB", "2", "40 min", "128 kB"],
        ["start-60k 31", "60 kB", "1", "50 min", "32 kB"],
    ]
    twins = MemoryMap("b", 0.0, 0, (SMALL, MappedProgram(32, "vfork", 600, SMALL.regions)), True)
    assert [row[-1] for row in owner_rows(twins, 4096, 11)] == ["-", "-"]


def test_strip_shows_the_program_with_most_of_a_cell_in_as_many_rows_as_fit():
    drawn = strip([SMALL, LARGE], 4096, 64, 8)
    assert drawn.cell_bytes == 32768
    assert drawn.rows[0] == (0x40000000, "." * 64)
    assert drawn.rows[1] == (0x40200000, "." * 56 + "aa" + "." * 6)
    assert drawn.rows[2] == (0x40400000, "bbbbb" + "." * 27 + "b" + "." * 31)
    narrow = strip([SMALL, LARGE], 4096, 16, 2)
    assert len(narrow.rows) == 2 and narrow.cell_bytes == 32768 * 8
    assert strip([], 4096, 64, 8).rows == ()


def test_programs_beyond_the_letters_share_one_sign():
    many = [MappedProgram(pid, "p", 0, ((pid * 16, 9),)) for pid in range(60)]
    letters = letters_of(many)
    assert (letters[0], letters[51], letters[52], letters[59]) == ("a", "Z", OTHER, OTHER)
