"""A board fails and reboots while its collector is away: the minutes before reach the store all the same."""

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest
import rig
from buddywatch.store.store import Store
from daemons import Daemon, telnet
from system_parts import Collector, buddywatch, stored
from waiting import wait_for

FAILED = b"<4>Allocation of length 61440 from process 6821 (rm) failed\n"


class Place:
    """A board and its database."""

    def __init__(self, folder: Path, command, proc: Path) -> None:
        self.db, self.config, self.box = folder / "x.db", folder / "config.toml", folder / "box"
        self.config.touch()
        self.command, self.proc, self.port = command, proc, rig.free_port()

    def agent(self) -> Daemon:
        options = "--telnet", str(self.port), "--blackbox", str(self.box)
        return Daemon(self.command, *options, proc=self.proc)

    def collector(self) -> closing:
        return closing(Collector(self.db, self.config, [f"telnet://127.0.0.1:{self.port}"]))

    def history(self) -> dict:
        return buddywatch(self.db, self.config, "history", "xport-07", "--since", "1d", "--json").json

    def rows(self, boot: str) -> set[int]:
        return stored(self.db, "xport-07").get(boot, set())

    def has_failure(self) -> bool:
        with Store.open_readonly(self.db) as store:
            return any(event.kind == "alloc" for event in store.events("xport-07"))


def fail(proc: Path) -> None:
    log = os.open(proc / "kmsg", os.O_WRONLY)
    os.write(log, FAILED)
    os.close(log)


@pytest.mark.parametrize("agent_command", ["cpython", "frozen"], indirect=True)
@pytest.mark.parametrize("proc_dir", ["fresh-4k-bflt-2.6.30"], indirect=True)
def test_last_minutes_before_a_reboot_reach_the_store(tmp_path: Path, agent_command, proc_dir: Path) -> None:
    os.mkfifo(proc_dir / "kmsg")
    place = Place(tmp_path, agent_command, proc_dir)
    with place.agent() as agent:
        host = telnet(place.port)
        boot = host.ask_hello()["boot"]
        with place.collector() as collector:
            wait_for(lambda: place.rows(boot), "snapshots in the store")
            assert collector.stop(signal.SIGINT) == 0
        known = max(place.rows(boot))
        host.until_frames(5)
        fail(proc_dir)
        wait_for(place.box.exists, "the black box")
        agent.stop(signal.SIGKILL)  # nobody has the frames since `known`, but the file
    (proc_dir / "sys/kernel/random/boot_id").write_text("0123abcd-0000-4000-8000-000000000000\n")
    (proc_dir / "uptime").write_text("3.50 2.00\n")
    with place.agent(), place.collector() as collector:
        wait_for(place.has_failure, "the failure")
        wait_for(lambda: max(place.rows(boot)) > known, "the frames of the boot before")
        assert collector.stop(signal.SIGINT) == 0
    found = place.history()
    (event,) = [event for event in found["events"] if event["kind"] == "alloc"]
    assert (event["boot_id"], event["comm"]) == (boot, "rm")
    assert event["seq"] > known
    assert max(place.rows(boot)) > event["seq"]  # the state after it, too
