"""start-buddyd in a real shell: it tries again when buddyd cannot be started, and has the OOM killer spare it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import DEADLINE_S

SCRIPT = Path(__file__).resolve().parents[3] / "agent/board/rootfs/start-buddyd"


@pytest.fixture
def start(tmp_path):
    """Run the script with buddyd in tmp_path and minutes of a second: its exit code, and what it said."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is missing: apt install busybox")
    text = SCRIPT.read_text().replace("/bin/buddyd", str(tmp_path / "buddyd"))
    script = tmp_path / "start-buddyd"

    def run(*options, pause_s=1):
        script.write_text(text.replace("pause 60", f"pause {pause_s}").replace("pause 5", f"pause {pause_s}"))
        argv = [busybox, "sh", str(script), "4", *options]
        with (tmp_path / "stderr").open("w") as stderr:  # no pipe: buddyd keeps it open
            code = subprocess.run(argv, stderr=stderr, timeout=DEADLINE_S, check=False).returncode
        return code, (tmp_path / "stderr").read_text()

    return run


def program(tmp_path, text):
    path = tmp_path / "buddyd"
    path.write_text(text)
    path.chmod(0o755)


def test_start_that_the_kernel_refuses_is_tried_again(start, tmp_path):
    # No such interpreter at first: execve(2) fails. The second time it is killed, as where exec finds no memory.
    second = "#!/bin/sh\n[ -e {0}/killed ] && exit 3\n: >{0}/killed\nkill -9 $$\n".format(tmp_path)
    program(tmp_path, "#!/no/such/interpreter\n")
    watcher = subprocess.Popen(
        [sys.executable, "-c", "import sys, time; time.sleep(1.5); open(sys.argv[1], 'w').write(sys.argv[2])"]
        + [str(tmp_path / "buddyd"), second]
    )
    code, stderr = start()
    watcher.wait()
    messages = [line for line in stderr.splitlines() if line.startswith("buddyd: ")]
    assert messages[0] == "buddyd: could not be started (exit code 127); trying again in a minute"
    assert messages[-1] == "buddyd: could not be started (exit code 137); trying again in a minute"
    assert code == 3, "what buddyd itself says is not tried again"


@pytest.mark.parametrize("code", [0, 2])  # 0: what a board's hush says of each end before its `wait`
def test_start_that_ends_at_once_is_tried_again_but_not_for_ever(start, tmp_path, code):
    program(tmp_path, f"#!/bin/sh\necho started >&2\nexit {code}\n")
    ended, stderr = start(pause_s=0.1)
    assert ended == 2
    assert stderr.count("started\n") == 5 and stderr.count("; trying again in a minute") == 4
    assert stderr.endswith("buddyd: ended at once in each of 5 starts; not started again\n")


def test_once_it_runs_the_script_ends_and_it_is_spared(start, tmp_path):
    shutil.copy(shutil.which("sleep"), tmp_path / "buddyd")
    assert start("61.5") == (0, "")
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            found = comm.read_text() == "buddyd\n" and b"61.5" in comm.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if found:
            score = comm.with_name("oom_score_adj").read_text()
            subprocess.run(["kill", comm.parent.name], check=True)
            assert score == "-1000\n" or not is_allowed()
            return
    raise AssertionError("it does not run")


def is_allowed():
    """Whether this process may lower its own score."""
    code = "with open('/proc/self/oom_score_adj', 'w') as file: file.write('-1000')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
