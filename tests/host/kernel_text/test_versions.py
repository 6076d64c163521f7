"""Which versions can have printed a text."""

import pytest
from buddywatch.explain.answers import explain
from buddywatch.kernel_text import versions

LIST = "DMA: 3*4kB {} 1*8kB {} 1*16kB {} 0*32kB 0*64kB 0*128kB 0*256kB 0*512kB 0*1024kB 0*2048kB 0*4096kB = 36kB\n"


def kernel_of(text):
    return explain("Mem-Info:\n" + text).states[0].kernel


@pytest.mark.parametrize(
    ("letters", "words", "rules"),
    [
        (("(R)", "(U)", "(M)"), "Linux 3.7 to 4.3", ("old",)),
        (("(UEM)", "", ""), "Linux 3.7 to 4.3", ("old",)),
        (("(UMR)", "", ""), "Linux 3.7 to 4.3", ("old",)),
        (("(UME)", "", ""), "Linux 4.4 or later", ("new",)),
        (("(UMEH)", "", ""), "Linux 4.4 or later", ("new",)),
        (("(H)", "", ""), "Linux 4.4 or later", ("new",)),
        (("(U)", "(M)", ""), "Linux 3.7 or later", ("old", "new")),
        (("", "", ""), "", ("old", "off2", "new")),
        # (R) and (H) contradict each other: the text is of two kernels
        (("(R)", "(H)", ""), "", ("old", "off2", "new")),
    ],
)
def test_letters_narrow_it(letters, words, rules):
    kernel = kernel_of(LIST.format(*letters))
    assert (versions.words(kernel.span), kernel.rules) == (words, rules)


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        ("DMA free:36kB min:4kB low:4kB high:4kB present:8kB managed:8kB\n", "Linux 3.8 or later"),
        ("free_pcp:0\n x free_pcp:1\n", "Linux 4.1 or later"),
        ("Active_anon:1 active_file:2\n", "Linux 2.6.28 to 2.6.31"),
        ("rm: page allocation failure. order:4, mode:0xd0\n", "Linux up to 3.0"),
        ("rm: page allocation failure: order:4, mode:0xd0\n", "Linux 3.0 or later"),
        ("rm: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null)\n", "Linux 5.1 or later"),
        ("rm: page allocation failure: order:4, mode:0x14000c0(GFP_KERNEL), nodemask=(null)\n", "Linux 4.10 to 4.16"),
        ("rm: page allocation failure: order:4, mode:0x24000c0\n", "Linux 4.4 to 4.9"),
    ],
)
def test_wording_narrows_it(sign, words):
    assert versions.words(kernel_of(sign + LIST.format("", "", "")).span) == words


@pytest.mark.parametrize("prose", ["on a board (Ubuntu)", "a stick (USB)", "Linux (My build)"])
def test_prose_is_no_letter(prose):
    assert versions.words(kernel_of(LIST.format("", "", "") + prose).span) == ""


def test_a_release_in_the_text_decides_alone():
    kernel = kernel_of(LIST.format("(UEM)", "", "") + "Linux version 6.1.21 (gcc)\n")
    assert (kernel.rules, kernel.inferred) == (("new",), False)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        ((versions.FIRST, versions.LAST), ""),
        ((versions.FIRST, (4, 3, 999)), "Linux up to 4.3"),
        (((2, 6, 38), (3, 2, 999)), "Linux 2.6.38 to 3.2"),
        (((5, 1, 0), versions.LAST), "Linux 5.1 or later"),
    ],
)
def test_words(span, words):
    assert versions.words(span) == words
