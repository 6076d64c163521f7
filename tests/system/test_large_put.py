"""A file of a megabyte to a board over its serial line: cut off, continued, and no memory taken for its size."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import rig
from buddywatch.commands.transfer import PART
from daemons import Daemon
from runner import ENV
from waiting import wait_for

SIZE = 1_000_000
GROWN_KB_MAX = 300  # what the commands' code takes


def resident_kb(agent: Daemon) -> int:
    fields = dict(line.split(":") for line in (agent.proc / "status").read_text().splitlines() if ":" in line)
    return int(fields["VmRSS"].split()[0])


@pytest.mark.parametrize("agent_command", ["micropython"], indirect=True)
def test_large_file_is_put_in_two_tries_with_constant_memory(tmp_path: Path, agent_command, proc_dir: Path) -> None:
    blob, there = tmp_path / "blob", tmp_path / "there"
    blob.write_bytes(os.urandom(SIZE))
    with closing(rig.SerialLine()) as line:
        line.start()
        with Daemon(agent_command, "--serial", line.board_path, "--allow", "files", proc=proc_dir) as agent:
            argv = [sys.executable, "-m", "buddywatch", "--db", str(tmp_path / "x.db"), "put", str(blob)]
            argv.append(f"serial://{line.host_path}:{there}")
            part = Path(f"{there}{PART}")
            first = subprocess.Popen(argv, env=ENV)
            wait_for(lambda: part.exists() and part.stat().st_size > SIZE // 4, "a quarter of the file")
            before_kb = resident_kb(agent)
            first.send_signal(signal.SIGKILL)
            first.wait()
            begun = part.stat().st_size
            assert SIZE // 4 < begun < SIZE
            assert subprocess.run(argv, env=ENV, check=False).returncode == 0
            assert there.read_bytes() == blob.read_bytes()
            assert resident_kb(agent) - before_kb < GROWN_KB_MAX
