"""Who may not look into the folder of the database gets one line about that."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from boards import boot
from buddywatch.store.store import Store
from runner import Runner

NOBODY = 65534


@pytest.mark.parametrize("command", [("status",), ("history", "xp"), ("sql", "SELECT 1")], ids=lambda words: words[0])
def test_folder_that_this_user_may_not_enter_is_not_called_empty(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        top = Path(stack.enter_context(tempfile.TemporaryDirectory()))  # pytest's folders are closed to other users
        top.chmod(0o755)
        runner = Runner(top, capsys)
        db = top / "service" / "buddywatch.db"
        db.parent.mkdir()
        with Store.open(db) as store:
            store.add_boot("xp", boot())
        assert runner("--db", str(db), *command).code == 0  # and the modules are loaded while they can be
        db.parent.chmod(0o700 if os.geteuid() == 0 else 0)
        stack.callback(db.parent.chmod, 0o700)
        if os.geteuid() == 0:
            os.seteuid(NOBODY)
            stack.callback(os.seteuid, 0)
        result = runner("--db", str(db), *command)
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f"buddywatch: {db}: no permission to look there; ")
