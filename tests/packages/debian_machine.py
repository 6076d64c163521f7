"""A Debian with a real systemd, in a container: made by debootstrap once for each release, copied for each test."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from waiting import wait_for

COMMAND_S = 600.0  # packages are fetched, and the machine may be busy
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# What a container has of this machine: its network, and the way to the packages.
_OF_HOST = ["--resolv-conf=copy-host", "--bind-ro=/etc/hosts"]
_NSPAWN = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit"]


def why_not() -> str | None:
    """Why no such machine can be had here."""
    if os.geteuid() != 0:
        return "only root may run debootstrap and systemd-nspawn"
    for command, package in (("debootstrap", "debootstrap"), ("systemd-nspawn", "systemd-container")):
        if shutil.which(command) is None:
            return f"no {command} found; as root: apt install {package}"
    return None


def bare(release: str) -> Path:
    """The folder of a bare Debian: the least that debootstrap makes, with systemd. Kept in the cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "buddywatch"
    folder = Path(os.environ.get("BUDDYWATCH_CACHE") or cache) / "debian" / release
    if not folder.exists():
        unfinished = folder.with_name(f"{release}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        options = ["--variant=minbase", "--include=systemd,systemd-sysv,dbus,udev"]
        done = subprocess.run(
            ["debootstrap", *options, release, str(unfinished)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            pytest.skip(f"debootstrap cannot make {release}: {done.stdout.strip()[-200:]}")
        unfinished.rename(folder)
    return folder


class Machine:
    """A copy of a bare Debian. install() before boot() is what an administrator does with an image."""

    def __init__(self, release: str, root: Path) -> None:
        subprocess.run(["cp", "-a", "--reflink=auto", str(bare(release)), str(root)], check=True)
        self.root = root
        self._nspawn: subprocess.Popen[bytes] | None = None

    def prepare(self, *argv: str) -> str:
        """Run a command in it while it does not run."""
        setenv = ["--setenv=DEBIAN_FRONTEND=noninteractive"]
        return _output([*_NSPAWN, "-D", str(self.root), "--pipe", *setenv, *_OF_HOST, *argv])

    def put(self, file: Path, folder: str) -> str:
        """Copy a file or a folder into it. Returns its path there."""
        target = self.root / folder.lstrip("/") / file.name
        subprocess.run(["cp", "-a", str(file), str(target)], check=True)
        return f"{folder}/{file.name}"

    def write(self, path: str, text: str) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def boot(self) -> None:
        # Its own systemd as the newer ones want it, also where this machine has the older control groups.
        env = os.environ | {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
        argv = [*_NSPAWN, "-D", str(self.root), "--boot", "--console=pipe", *_OF_HOST]
        with (self.root.parent / f"{self.root.name}.log").open("wb") as log:
            self._nspawn = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        self.wait(lambda: self.state() in ("running", "degraded"), "systemd in the container")

    def wait(self, condition: Callable[[], object], what: str) -> None:
        def looked() -> object:
            assert self._nspawn is None or self._nspawn.poll() is None, self._log()
            return condition()

        wait_for(looked, what, between=lambda: time.sleep(0.2))

    def state(self) -> str:
        return self.run("systemctl", "is-system-running").stdout.strip()

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """A command in it while it runs."""
        return subprocess.run([*self._enter(), *argv], capture_output=True, text=True, check=False, timeout=COMMAND_S)

    def output(self, *argv: str) -> str:
        return _output([*self._enter(), *argv])

    def of_unit(self, name: str) -> str:
        return self.output("systemctl", "show", "buddywatch", "--property", name, "--value").strip()

    def journal(self) -> str:
        return self.output("journalctl", "--unit", "buddywatch", "--no-pager", "--output", "cat")

    def end(self) -> None:
        if self._nspawn is not None:
            self._nspawn.terminate()
            self._nspawn.wait(COMMAND_S)
        shutil.rmtree(self.root, ignore_errors=True)

    def _enter(self) -> list[str]:
        assert self._nspawn is not None
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        leader = children[0] if children else "0"
        return ["nsenter", "--target", leader, "--all", "env", "--ignore-environment", f"PATH={PATH}", "HOME=/root"]

    def _log(self) -> str:
        return (self.root.parent / f"{self.root.name}.log").read_text(errors="replace")[-2000:]


def _output(argv: list[str]) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=COMMAND_S)
    assert done.returncode == 0, f"{argv[-3:]}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
    return done.stdout
