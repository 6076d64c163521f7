"""`buddywatch import` of series that lie in many files."""

from pathlib import Path

from runner import Runner

AT = 1_690_000_000


def test_files_of_collectd_are_one_board_each(buddywatch: Runner, tmp_path: Path) -> None:
    paths = []
    for host in ("roof", "cellar"):
        for day in range(2):
            for kb in (4, 8):
                folder = tmp_path / host / "buddyinfo-Node0_Normal"
                folder.mkdir(parents=True, exist_ok=True)
                path = folder / f"freepages-{kb}KB-2023-07-{22 + day}"
                points = (f"{AT + day * 86_400 + 10 * n}.100,{kb + n}\n" for n in range(5))
                path.write_text("epoch,value\n" + "".join(points))
                paths.append(str(path))
    done = buddywatch("import", *paths, "--json").json
    assert {name: done[name]["snapshots"] for name in ("roof", "cellar")} == {"roof": 10, "cellar": 10}
    assert done["unreadable"] == []
    assert buddywatch("import", *paths, "--json").json["roof"]["new_snapshots"] == 0


def test_series_without_a_name_are_an_error_that_says_why(buddywatch: Runner, tmp_path: Path) -> None:
    file = tmp_path / "values"
    file.write_text(f"epoch,value\n{AT}.1,5\n")
    done = buddywatch("import", str(file))
    assert done.code == 2 and "names of collectd's folders" in done.err and len(done.err.splitlines()) == 1
