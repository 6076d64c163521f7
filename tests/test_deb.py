"""The Debian package: what is in it, what it depends on, and that it runs. `make package-test` installs it."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import termtools
from buddywatch.config.load import load

TOP = Path(__file__).resolve().parent.parent
DEPLOY = TOP / "host" / "deploy"
PYTHON = "/usr/bin/python3"  # Debian's, for which it is made
pytestmark = pytest.mark.xdist_group("packages")  # one worker: they are built once


def output(*argv: str | Path, **env: str) -> str:
    done = subprocess.run(
        list(map(str, argv)), env=os.environ | env, capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def deb(packages: Path) -> Path:
    termtools.tool("dh")
    termtools.tool("dh_python3")
    (made,) = packages.glob("*.deb")
    return made


@pytest.fixture(scope="module")
def unpacked(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("deb")
    output("dpkg-deb", "--raw-extract", deb, folder)
    return folder


def test_it_is_one_package_for_all_machines(deb: Path) -> None:
    fields = output("dpkg-deb", "-f", deb, "Package", "Architecture", "Version", "Depends").splitlines()
    found = dict(line.split(": ", 1) for line in fields)
    assert (found["Package"], found["Architecture"]) == ("buddywatch", "all")
    assert re.fullmatch(r"0\.1\.0(\+git\d{14})?-1", found["Version"])
    assert {"python3 (>= 3.11)", "python3-serial"} <= set(found["Depends"].split(", "))


def test_it_has_the_parts_of_a_service(unpacked: Path) -> None:
    (unit,) = unpacked.glob("**/systemd/system/buddywatch.service")
    assert unit.read_text() == (DEPLOY / "buddywatch.service").read_text()
    users = unpacked / "usr/lib/sysusers.d/buddywatch.conf"
    assert users.read_text() == (DEPLOY / "buddywatch.sysusers").read_text()
    assert (unpacked / "DEBIAN/conffiles").read_text() == "/etc/buddywatch/config.toml\n"
    share = unpacked / "usr/share"
    doc, man = "doc/buddywatch", "man"
    for name in (
        f"{man}/man1/buddywatch.1.gz", f"{man}/man5/buddywatch-config.5.gz", f"{doc}/copyright",
        f"{doc}/examples/60-buddywatch.rules", "bash-completion/completions/buddywatch",
    ):  # fmt: skip
        assert (share / name).is_file(), name


def test_nothing_is_outside_of_the_places_of_a_package(unpacked: Path) -> None:
    files = [path.relative_to(unpacked) for path in unpacked.rglob("*") if path.is_file()]
    places = {"/".join(file.parts[:2]) for file in files if file.parts[0] != "DEBIAN"}
    assert places - {"etc/buddywatch", "usr/bin", "usr/lib", "usr/share", "lib/systemd"} == set()
    texts = [path for path in unpacked.rglob("*") if path.is_file() and path.suffix in ("", ".py", ".conf", ".toml")]
    assert len(texts) > 400 and [path for path in texts if str(TOP).encode() in path.read_bytes()] == []


def test_it_runs_under_the_python_of_debian(unpacked: Path, tmp_path: Path) -> None:
    if not Path(PYTHON).exists():
        pytest.skip(f"no {PYTHON} on this machine")
    packages = str(unpacked / "usr/lib/python3/dist-packages")
    program = unpacked / "usr/bin/buddywatch"
    assert program.read_text().splitlines()[0] == f"#!{PYTHON}" and program.stat().st_mode & 0o777 == 0o755
    shown = output(PYTHON, "-B", program, "agent", "--out", tmp_path / "out", PYTHONPATH=packages)
    assert "bytes as .mpy" in shown and len(list((tmp_path / "out/mpy").rglob("*.mpy"))) > 30


def test_the_configuration_that_comes_with_it_is_valid_with_and_without_its_samples(tmp_path: Path) -> None:
    text = (DEPLOY / "config.toml").read_text()
    for name, content in (("as-it-is", text), ("samples", re.sub(r"^#(?=[\[a-z])", "", text, flags=re.MULTILINE))):
        path = tmp_path / f"{name}.toml"
        path.write_text(content)
        config = load(path, {"HOME": str(tmp_path)})
        assert str(config.collector.db) == "/var/lib/buddywatch/buddywatch.db"
        assert bool(config.collector.links) == bool(config.mail) == (name == "samples")


def test_scripts_of_the_package_are_right_for_the_shell(unpacked: Path) -> None:
    for name in ("postinst", "prerm", "postrm"):
        text = (unpacked / "DEBIAN" / name).read_text()
        assert "#DEBHELPER#" not in text
        output("sh", "-n", unpacked / "DEBIAN" / name)
    assert "systemd-sysusers" in (unpacked / "DEBIAN/postinst").read_text()
    assert "/var/lib/buddywatch" not in re.sub(
        r"rmdir [^|]*", "", (unpacked / "DEBIAN/postrm").read_text().split("set -e")[1]
    )


def test_udev_rule_is_that_of_the_page() -> None:
    (rule,) = (line for line in (DEPLOY / "60-buddywatch.rules").read_text().splitlines() if not line.startswith("#"))
    assert rule in (TOP / "docs/how-to/serial-line.md").read_text().splitlines()
