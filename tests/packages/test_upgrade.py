"""From 0.1, as its page had it installed, with what it has collected, to the package."""

import csv
import subprocess
from pathlib import Path

import pytest
from debian_machine import Machine

TOP = Path(__file__).resolve().parent.parent.parent
OF_0_1 = "a4ef055"  # the last commit of 0.1
OLD = "/opt/buddywatch/lib"
DATA = "/var/lib/buddywatch/buddywatch.db"


@pytest.fixture(scope="module")
def old(machine: Machine, port: int) -> Machine:
    """0.1 in /opt, with its own unit, and its agent as the board `vm`."""
    found = subprocess.run(
        ["git", "-C", str(TOP), "archive", OF_0_1, "agent/buddyd", "host"], capture_output=True, check=False
    )
    if found.returncode != 0:
        pytest.skip(f"the history of this clone does not reach back to {OF_0_1}")
    machine.prepare("apt-get", "-q", "update")
    machine.prepare("apt-get", "-q", "install", "-y", "--no-install-recommends", "python3-serial")
    target = machine.root / OLD.lstrip("/")
    target.mkdir(parents=True)
    subprocess.run(["tar", "-x", "-C", str(target)], input=found.stdout, check=True)
    text = (target / "host/deploy/buddywatch.service").read_text()
    assert "DynamicUser=yes" in text and "ExecStart=/opt/buddywatch/bin/buddywatch " in text
    machine.write("/etc/systemd/system/buddywatch.service", text)
    program = f'#!/bin/sh\nPYTHONPATH={OLD}/agent:{OLD}/host exec python3 -m buddywatch "$@"\n'
    machine.write("/opt/buddywatch/bin/buddywatch", program)
    (machine.root / "opt/buddywatch/bin/buddywatch").chmod(0o755)
    config = f'[collector]\ndb = "{DATA}"\nlinks = ["telnet://127.0.0.1:{port}"]\n'
    machine.write("/etc/buddywatch/config.toml", config)
    machine.boot()
    agent = ["/usr/bin/python3", "-m", "buddyd", "--telnet", f"127.0.0.1:{port}"]
    machine.output("systemd-run", "--unit=board", f"--working-directory={OLD}/agent", *agent)
    machine.output("systemctl", "enable", "--now", "buddywatch")
    return machine


def test_data_of_0_1_is_read_and_continued_by_the_package(old: Machine, deb: Path) -> None:
    command = "/opt/buddywatch/bin/buddywatch"
    old.wait(lambda: old.run(command, "history", "vm").stdout.count("\n") > 5, "some snapshots")
    assert (old.root / "var/lib/buddywatch").is_symlink()  # into /var/lib/private, as its user is made at each start
    old.output("systemctl", "disable", "--now", "buddywatch")
    old.output("rm", "/etc/systemd/system/buddywatch.service")
    before = times(old.output(command, "history", "--csv", "vm"))
    path = old.put(deb, "/root")
    old.output(
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-q",
        "install",
        "-y",
        "-o",
        "Dpkg::Options::=--force-confold",
        path,
    )
    old.output("systemctl", "enable", "--now", "buddywatch")
    old.wait(lambda: len(times(old.output("buddywatch", "history", "--csv", "vm"))) > len(before), "a new snapshot")
    after = times(old.output("buddywatch", "history", "--csv", "vm"))
    assert after[: len(before)] == before
    assert not (old.root / "var/lib/buddywatch").is_symlink()
    assert old.output("stat", "-c", "%U %G", "/var/lib/buddywatch", DATA).split() == ["buddywatch"] * 4
    print(f"{len(before)} snapshots of 0.1, {len(after)} after the upgrade")
    print(old.output("buddywatch", "status"))


def times(text: str) -> list[str]:
    """The time of each snapshot."""
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return [row["time"] for row in rows if row.get("kind", "snapshot") == "snapshot"]
