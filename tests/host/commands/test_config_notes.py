"""What `check-config` finds in a valid configuration that may be a mistake."""

import pytest
from boards import boot, kernel_event, snapshot

LINK = '[collector]\nlinks = ["tcp://127.0.0.1:9?board=roof"]\n'
BARE = '[collector]\nlinks = ["tcp://127.0.0.1:9"]\n'
MAIL = '[mail]\nto = ["a@b"]\nfrom = "c@d"\ncommand = ["cat"]\n'


def noted(buddywatch, text):
    """The notes of a valid configuration, without the first line."""
    buddywatch.config.write_text(text)
    result = buddywatch("check-config")
    assert result.code == 0, result.err
    notes = [line.removeprefix("# ") for line in result.lines if line.startswith("# ")]
    assert notes[0].endswith("valid")
    return notes[1:]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (LINK + '[[need]]\nname = "frame"\nbytes = 9\nboards = ["roof", "cellar"]\n' + MAIL,
         "[[need]] frame: no [[board]], no link and no stored data has a board cellar"),
        (BARE + '[[group]]\nname = "g"\nboards = ["cellar", "roof-*"]\n' + MAIL,
         "[[group]] g: no [[board]], no link and no stored data has a board cellar"),
        (BARE + '[[window]]\nfrom = "01:00"\nto = "02:00"\nboards = ["cellar"]\n' + MAIL,
         "[[window]]: no [[board]], no link and no stored data has a board cellar"),
        (LINK + '[[board]]\nname = "cellar"\n' + MAIL,
         "[[board]] cellar: no link leads to it; add ?board=cellar to one"),
        (BARE + '[[need]]\nname = "rm"\nbytes = 61440\n' + MAIL,
         "[[need]] rm: if this is a program, add exec = true: its start takes some single pages, too"),
    ],
)  # fmt: skip
def test_one_note_says_what_may_be_wrong(buddywatch, text, note):
    assert noted(buddywatch, text) == [note]


def test_a_program_that_cannot_carry_messages_is_an_error(buddywatch, tmp_path):
    """Each has the line of its key; exit code 1, as after every error in the file."""
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    hooks = ((tmp_path / "gone", "No such file or directory"), (tmp_path / "plain", "it is not executable; chmod +x"),
             (tmp_path, "it is not a file"), ("nosuchprogram", "no folder of PATH has it"))  # fmt: skip
    text = BARE + MAIL.replace("cat", "nosuchprogram")
    for number, (program, _) in enumerate(hooks):
        text += f'[[hook]]\nname = "h{number}"\ncommand = ["{program}", "-x"]\n'
    buddywatch.config.write_text(text + '[[hook]]\nname = "right"\ncommand = ["cat"]\n')
    result = buddywatch("check-config")
    assert (result.code, result.out) == (1, "")
    lines = result.err.splitlines()
    assert len(lines) == 5
    for number, (program, why) in enumerate(hooks):
        place = f"line {9 + 3 * number}: [[hook]] #{number + 1} command"
        assert f"{place}: {program} cannot be started: {why}" in lines[number]
    assert "line 6: [mail] command: nosuchprogram cannot be started: no folder of PATH has it" in lines[4]


@pytest.mark.parametrize(
    "text",
    [
        BARE + '[[board]]\nname = "cellar"\n' + MAIL,  # a board may call itself so
        LINK + '[[board]]\nname = "roof"\n' + MAIL,
        LINK + '[[need]]\nname = "rm"\nbytes = 61440\nexec = true\nboards = ["roof"]\n' + MAIL,
        BARE + '[[need]]\nname = "camera-frame"\nbytes = 150000\n' + MAIL,
        BARE + '[[group]]\nname = "g"\nboards = ["roof-?"]\n[[hook]]\nname = "h"\ncommand = ["cat"]\n',
    ],
)
def test_what_is_right_has_no_note(buddywatch, text):
    assert noted(buddywatch, text) == []


def test_boards_and_programs_that_were_heard_are_known(buddywatch, store):
    store.add_boot("cellar", boot())
    store.add_snapshot("cellar", snapshot(1))
    store.add_event("cellar", kernel_event(2, 6000))
    need = '[[need]]\nname = "{}"\nbytes = 9\nboards = ["cellar"]\n'
    assert noted(buddywatch, LINK + need.format("frame") + MAIL) == []
    event = next(store.events("cellar"))
    (note,) = noted(buddywatch, LINK + need.format(event.comm) + MAIL)
    assert note.startswith(f"[[need]] {event.comm}: if this is a program")
