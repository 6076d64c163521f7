"""What programs say about memory: told apart from the kernel's words, and no all-clear."""

import pytest
from asking import parts, told
from buddywatch.explain.answers import explain

LINES = [
    ("insmod: ERROR: could not insert module ./8852au.ko: Cannot allocate memory", "a program got no memory (ENOMEM)"),
    ("-bash: fork: Cannot allocate memory", "`-bash: fork`: a program got no memory"),
    ("sh: can't fork: Out of memory", "a program got no memory"),
    ("Nov 22 10:00:00 pc systemd-oomd[731]: Killed /user.slice/user-1000.slice/app.scope due to memory pressure for "
     "/user.slice being 83.70% > 50.00% for > 20s with reclaim activity", "systemd-oomd ended /user.slice/user-1000"),
    ('earlyoom[600]: sending SIGTERM to process 4242 uid 1000 "firefox": badness 831, VmRSS 1900 MiB',
     "earlyoom ended firefox (4242)"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "words"), LINES)
def test_it_is_told_apart_from_the_kernels_words(line, words):
    assert parts(line + "\n") == []
    assert words in told(line + "\n")
    explanation = explain(line + "\n")
    assert not explanation.is_empty
    assert explanation.is_bad_news


@pytest.mark.parametrize(
    "line", ["out of memory is bad", "I Cannot allocate memory", "earlyoom started", "Out of memory"]
)
def test_prose_is_none(line):
    assert explain(line + "\n").asides == []


def test_the_kernels_own_kill_is_no_word_of_a_program():
    text = "Out of memory: Killed process 13021 (kodi.bin) total-vm:1kB, anon-rss:1kB\n"
    assert explain(text).asides == []
