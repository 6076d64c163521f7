"""The package in a bare Debian with a real systemd: installed, watching a board, reloaded, hung, upgraded, purged."""

import re
import time
from pathlib import Path

import pytest
from debian_machine import Machine

CONFIG = "/etc/buddywatch/config.toml"
DROP_IN = "/etc/systemd/system/buddywatch.service.d/trial.conf"
DATA = "/var/lib/buddywatch/buddywatch.db"


@pytest.fixture(scope="module")
def installed(machine: Machine, deb: Path) -> Machine:
    path = machine.put(deb, "/root")
    machine.prepare("apt-get", "-q", "update")
    machine.prepare("apt-get", "-q", "install", "-y", "--no-install-recommends", path)
    machine.boot()
    return machine


@pytest.fixture(scope="module")
def board(installed: Machine, port: int) -> None:
    """The agent of the package, as the board `vm` on a port of this machine."""
    installed.output("buddywatch", "agent", "--out", "/root/agent")
    agent = ["/usr/bin/python3", "-m", "buddyd", "--telnet", f"127.0.0.1:{port}"]
    installed.output("systemd-run", "--unit=board", "--working-directory=/root/agent/py", *agent)


def configure(machine: Machine, port: int) -> None:
    text = (machine.root / CONFIG.lstrip("/")).read_text()
    machine.write(CONFIG, re.sub(r"^#?links = .*$", f'links = ["telnet://127.0.0.1:{port}"]', text, flags=re.MULTILINE))


def test_it_is_installed_and_waits_for_its_configuration(installed: Machine) -> None:
    assert installed.state() == "running"
    assert installed.of_unit("ActiveState") == "inactive"
    assert installed.run("systemctl", "is-enabled", "buddywatch").stdout.strip() == "disabled"
    assert installed.output("id", "-un", "buddywatch") == "buddywatch\n"
    assert installed.run("buddywatch", "check-config").returncode == 0
    assert "time-sync.target" in installed.of_unit("After").split()
    print(installed.output("sh", "-c", "cat /etc/debian_version; systemctl --version | head -1").strip())


@pytest.mark.usefixtures("board")
def test_a_board_is_seen(installed: Machine, port: int) -> None:
    configure(installed, port)
    installed.output("systemctl", "enable", "--now", "buddywatch")  # returns when it is ready
    assert installed.of_unit("SubState") == "running"
    installed.wait(lambda: "link up" in installed.run("buddywatch", "status").stdout, "the board in status")
    print(installed.output("buddywatch", "status"))
    assert installed.output("stat", "-c", "%U %a", "/var/lib/buddywatch").strip() == "buddywatch 750"


def test_members_of_the_group_may_read_and_others_may_not(installed: Machine) -> None:
    installed.output("useradd", "--create-home", "--groups", "buddywatch", "anna")
    installed.output("useradd", "--create-home", "bert")
    assert "link up" in installed.output("su", "anna", "-c", "buddywatch status")
    refused = installed.run("su", "bert", "-c", "buddywatch status")
    assert refused.returncode == 3 and "no permission to look there" in refused.stderr


def test_reload_takes_a_new_configuration_and_refuses_a_wrong_one(installed: Machine, port: int) -> None:
    pid = installed.of_unit("MainPID")
    opened = installed.journal().count(": open\n")
    installed.output("systemctl", "reload", "buddywatch")
    installed.wait(lambda: "the configuration was read again" in installed.journal(), "the reload in the journal")
    # A SIGHUP that comes while links are opened anew is lost.
    installed.wait(lambda: installed.journal().count(": open\n") > opened, "the links to be open again")
    right = (installed.root / CONFIG.lstrip("/")).read_text()
    installed.write(CONFIG, f"{right}\n[nosuch]\n")
    installed.output("systemctl", "reload", "buddywatch")
    installed.wait(lambda: "the configuration stays as it was" in installed.journal(), "the refusal in the journal")
    installed.write(CONFIG, right)
    assert installed.of_unit("MainPID") == pid


def test_a_service_that_hangs_is_started_again(installed: Machine) -> None:
    installed.write(DROP_IN, "[Service]\nWatchdogSec=5\nRestartSec=1\n")
    installed.output("systemctl", "daemon-reload")
    installed.output("systemctl", "restart", "buddywatch")
    begin = time.monotonic()
    installed.wait(lambda: time.monotonic() - begin > 12, "twice the time of the watchdog")
    assert installed.of_unit("NRestarts") == "0"
    pid = installed.of_unit("MainPID")
    installed.output("sh", "-c", f"kill -STOP {pid}")
    installed.wait(lambda: installed.of_unit("NRestarts") == "1", "the restart by the watchdog")
    assert "Watchdog timeout" in installed.journal()
    installed.wait(lambda: installed.of_unit("SubState") == "running", "the service after the restart")


def test_a_credential_is_read_by_the_service_alone(installed: Machine) -> None:
    installed.write("/etc/buddywatch/mail-password", "a secret\n")
    installed.output("chmod", "600", "/etc/buddywatch/mail-password")
    installed.write(DROP_IN, "[Service]\nLoadCredential=mail-password:/etc/buddywatch/mail-password\n")
    installed.output("systemctl", "daemon-reload")
    installed.output("systemctl", "restart", "buddywatch")
    path = "/run/credentials/buddywatch.service/mail-password"
    assert installed.output("su", "buddywatch", "-s", "/bin/sh", "-c", f"cat {path}") == "a secret\n"
    assert installed.run("su", "anna", "-c", f"cat {path}").returncode != 0


def test_a_wrong_configuration_does_not_start_it_again_and_again(installed: Machine) -> None:
    right = (installed.root / CONFIG.lstrip("/")).read_text()
    installed.write(DROP_IN, "[Service]\nRestartSec=1\n")
    installed.write(CONFIG, f"{right}\n[nosuch]\n")
    installed.output("systemctl", "daemon-reload")
    assert installed.run("systemctl", "restart", "buddywatch").returncode != 0
    begin = time.monotonic()
    installed.wait(lambda: time.monotonic() - begin > 4, "a few times RestartSec=")
    assert (installed.of_unit("ActiveState"), installed.of_unit("NRestarts")) == ("failed", "0")
    assert "nosuch" in installed.journal().partition("the configuration stays as it was")[2].partition("\n")[2]
    installed.write(CONFIG, right)
    installed.output("systemctl", "start", "buddywatch")


def test_an_upgrade_restarts_it_and_keeps_what_it_has(installed: Machine, deb: Path) -> None:
    pid, config = installed.of_unit("MainPID"), (installed.root / CONFIG.lstrip("/")).read_text()
    before = rows(installed)
    installed.output("dpkg", "--install", f"/root/{deb.name}")
    assert installed.of_unit("SubState") == "running" and installed.of_unit("MainPID") != pid
    assert (installed.root / CONFIG.lstrip("/")).read_text() == config
    installed.wait(lambda: rows(installed) > before > 0, "new snapshots behind the old ones")


def rows(machine: Machine) -> int:
    table = machine.output("buddywatch", "sql", "--csv", "SELECT count(*) FROM snapshots")
    return int(table.splitlines()[-1])


def test_removing_leaves_configuration_and_data_and_purging_only_data(installed: Machine) -> None:
    installed.output("dpkg", "--remove", "buddywatch")
    assert installed.run("systemctl", "is-active", "buddywatch").stdout.strip() in ("inactive", "failed")
    there = installed.root.joinpath
    assert there(CONFIG.lstrip("/")).exists() and there(DATA.lstrip("/")).exists()
    assert not there("usr/lib/python3/dist-packages/buddywatch").exists()
    installed.output("dpkg", "--purge", "buddywatch")
    left = installed.output("find", "/etc", "/usr", "/lib/systemd", "/var/lib", "-iname", "*buddy*").splitlines()
    left = [path for path in left if path not in (str(Path(DROP_IN).parent),)]  # what the administrator made
    assert sorted(left)[:1] == ["/var/lib/buddywatch"]
    assert [path for path in left if not path.startswith("/var/lib/buddywatch")] == []
    assert there(DATA.lstrip("/")).exists()
    assert installed.output("id", "-un", "buddywatch") == "buddywatch\n"  # whose data they are
