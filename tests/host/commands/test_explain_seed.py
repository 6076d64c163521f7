"""The report that began it all, as `buddywatch explain` answers it to a reader."""

from pathlib import Path

import pytest

SEED = str(Path(__file__).resolve().parents[2] / "fixtures" / "reports" / "seed.txt")


def words(result):
    return " ".join(result.out.split())


@pytest.fixture
def seed(buddywatch):
    result = buddywatch("explain", SEED, "--full")
    assert result.code == 1
    return words(result)


# --- the questions that the seed's author asked, and the one left open ---


def test_seed_was_not_for_want_of_contiguous_memory_alone(seed):
    assert "61440 bytes are 15 pages of 4096 bytes" in seed
    assert "a free block of 16 pages (64 kB; the kernel calls it order 4)" in seed
    assert "The largest request that would have succeeded: 32 kB." in seed


def test_seed_tells_why_the_free_64_kb_block_was_not_used(seed):
    assert "A free block of 64 kB exists, but after taking it too few pages" in seed
    assert "64 kB or larger 16 21 short by 20 kB" in seed
    assert "5 pages (20 kB) were missing. 1 more free block of 64 kB would do: as much as 2 of 32 kB" in seed


def test_seed_cannot_be_defragmented_without_a_restart(seed):
    would_not = seed.partition("What helps little or not at all")[2]
    assert "Compaction (/proc/sys/vm/compact_memory) does not exist without an MMU" in would_not
    assert "drop_caches` would free 4 kB at best; 20 kB were missing" in would_not


def test_seed_is_told_how_to_prevent_it(seed):
    would = seed.partition("What would help")[2].partition("What helps little or not at all")[0]
    assert "picture that trimming makes" in would
    assert "It prevents, it does not repair" in would
    assert "`echo 63" not in would  # room for this one request, and for no second one
    assert "smaller by 28672 bytes (32 kB or less)" in would
    for word in ("let it sleep", "built-in commands of the shell", "nr_trim_pages", "only a reboot"):
        assert word in would


def test_seed_reconciles_the_blocks_with_memfree(seed):
    assert "798 pages of 4096 bytes = 3192 kB free; MemFree says 3164 kB, 28 kB less." in seed
    assert "it leaves out 1 x 2048 kB. With all blocks it is 3192 kB." in seed
    assert "largest request that succeeds is 2 MB" in seed


def test_seed_would_be_granted_after_the_reboot(seed):
    assert "61440 bytes, as rm asked for: succeeds, a block of 64 kB, 2604 kB to spare" in seed


def test_remedy_of_the_seed_is_true(buddywatch):
    for min_kb, expected in ((63, "tight"), (64, "refused")):
        low = str(min_kb + 400)
        (failure,) = buddywatch("explain", SEED, "--json", "--min-kb", str(min_kb), "--low-kb", low).json["failures"]
        assert failure["verdict"] == expected


def test_seed_would_have_passed_on_a_newer_kernel(buddywatch):
    (failure,) = buddywatch("explain", SEED, "--json", "--kernel", "6.1").json["failures"]
    assert (failure["verdict"], failure["margin_pages"]) == ("ok", 0)


def test_text_keeps_within_80_columns(buddywatch):
    for form in ((), ("--full",)):
        result = buddywatch("explain", SEED, "--need", "2M", *form)
        assert max(len(line) for line in result.lines) <= 80


def test_first_three_lines_answer(buddywatch):
    assert buddywatch("explain", SEED).lines[:4] == [
        "Failed: rm (process 6821) asked for 61440 bytes in one piece, a 64 kB block.",
        "Why: a block of 64 kB is free, but kept in reserve: 20 kB short.",
        "First: reboot, then `echo 0 > /proc/sys/vm/nr_trim_pages` at each boot.",
        "",
    ]


@pytest.mark.parametrize(
    ("form", "first", "command"),
    [
        ("--markdown", "**Failed:** rm (process 6821) asked for", "`echo 0 > /proc/sys/vm/nr_trim_pages`"),
        (
            "--html",
            "<p><b>Failed:</b> rm (process 6821) asked for",
            "<code>echo 0 &gt; /proc/sys/vm/nr_trim_pages",
        ),
    ],
)
def test_seed_is_printed_for_a_ticket(buddywatch, form, first, command):
    result = buddywatch("explain", form, SEED)
    assert result.code == 1
    assert result.out.startswith(first)
    assert command in result.out
    assert "31 47 42 64" in words(result)


@pytest.mark.parametrize("others", [("--json", "--html"), ("--markdown", "--html"), ("--json", "--markdown")])
def test_one_form_at_a_time(buddywatch, others):
    result = buddywatch("explain", *others, SEED)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1


def test_seed_in_short_says_all_three_answers(buddywatch):
    """Why rm did not run, that nothing but a restart joins the memory, and what prevents it."""
    said = words(buddywatch("explain", SEED))
    assert "a block of 64 kB is free, but kept in reserve: 20 kB short" in said
    assert "Compaction: without an MMU no Linux can move memory." in said
    assert "reboot, then `echo 0 > /proc/sys/vm/nr_trim_pages` at each boot; free memory has the picture that" in said
    assert "this prevents it, but does not repair it" in said
