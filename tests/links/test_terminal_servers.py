"""What stands between a board's line and the collector: ser2net in its modes, telnetd with a login."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rig
from conftest import AgentCommand
from termtools import TOP, Typist, nommu_busybox, script, telnetd, tool
from watching import Watch

Watching = Callable[[str], Watch]
Start = Callable[..., subprocess.Popen[bytes]]
ROOT = ("root", "open sesame")
HASHED = (  # of ROOT's password: openssl passwd -6 -salt buddywatch "open sesame"
    "$6$buddywatch$gxS9e047Vs3NXtkEDdi37mof73zzFNy34YbHGuYogqkG8hu9VbIWShbuWid4DYpGhaoqbj4DnVCrWCNV18Vtr1"
)
MODES = {"raw": ("tcp", ""), "telnet": ("telnet", "telnet,"), "rfc2217": ("rfc2217", "telnet(rfc2217=true),")}


@pytest.fixture
def serial_line(agent_command: AgentCommand, tmp_path: Path) -> Iterator[str]:
    """A terminal at whose other end buddyd streams as on a serial line."""
    near, far = tmp_path / "near", tmp_path / "far"
    lines = subprocess.Popen([tool("socat"), f"PTY,link={near},raw,echo=0", f"PTY,link={far},raw,echo=0"])
    while not (near.exists() and far.exists()):
        assert lines.poll() is None
    command = [*agent_command.argv, "--serial", str(far), "--interval", "0.2"]
    agent = subprocess.Popen(command, env=agent_command.env)
    yield str(near)
    for process in (agent, lines):
        process.terminate()
        process.wait()


def ser2net(folder: Path, accepter: str, line: str) -> tuple[list[str], int]:
    port = rig.free_port()
    config = folder / "ser2net.yaml"
    config.write_text(
        f"connection: &board\n  accepter: {accepter}tcp,127.0.0.1,{port}\n"
        f"  connector: serialdev,{line},9600n81,local\n  options:\n    kickolduser: true\n"
    )
    return [tool("ser2net"), "-n", "-c", str(config)], port


def check(watch: Watch) -> None:
    """Numbers without a hole, over whatever led here."""
    numbers = [snapshot.seq for snapshot in watch.snapshots]
    assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1))
    assert watch.gaps == []


@pytest.mark.parametrize("mode", [*MODES])
def test_ser2net_brings_every_frame(
    mode: str, serial_line: str, watching: Watching, start: Start, tmp_path: Path
) -> None:
    scheme, accepter = MODES[mode]
    argv, port = ser2net(tmp_path, accepter, serial_line)
    start(argv, port)
    options = "?baud=38400" if mode == "rfc2217" else ""
    watch = watching(f"{scheme}://127.0.0.1:{port}{options}").has(12)
    check(watch)
    assert not any("\ufffd" in line or "\\xff" in line for line in watch.console), watch.console


def test_rfc2217_sets_the_speed(watching: Watching, start: Start, tmp_path: Path) -> None:
    master, slave = os.openpty()
    argv, port = ser2net(tmp_path, "telnet(rfc2217=true),", os.ttyname(slave))
    start(argv, port)
    watch = watching(f"rfc2217://127.0.0.1:{port}?baud=38400").until(lambda watch: watch.news)
    assert watch.news == [f"rfc2217://127.0.0.1:{port}?baud=38400: open"]
    import termios

    assert termios.tcgetattr(slave)[4] == termios.B38400
    os.close(master)
    os.close(slave)


def test_a_port_that_does_not_speak_rfc2217_is_told(watching: Watching, start: Start, tmp_path: Path) -> None:
    master, slave = os.openpty()
    argv, port = ser2net(tmp_path, "telnet,", os.ttyname(slave))
    start(argv, port)
    watch = watching(f"rfc2217://127.0.0.1:{port}").until(lambda watch: watch.news)
    assert "no RFC 2217 on this port; use telnet:// or tcp://" in watch.news[0]
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize("mode", ["raw", "telnet", "rfc2217"])
def test_hush_on_a_console_behind_ser2net(mode: str, watching: Watching, start: Start, tmp_path: Path) -> None:
    scheme, accepter = MODES[mode]
    near, far = tmp_path / "near", tmp_path / "far"
    lines = subprocess.Popen([tool("socat"), f"PTY,link={near},raw,echo=0", f"PTY,link={far},raw,echo=0"])
    while not (near.exists() and far.exists()):
        assert lines.poll() is None
    shell = script(tmp_path / "shell", [nommu_busybox(), "hush"], PS1="/ # ")
    board = Typist([tool("socat"), f"{far},raw,echo=0", f"EXEC:{shell},pty,setsid,ctty,stderr"])
    try:
        argv, port = ser2net(tmp_path, accepter, str(near))
        start(argv, port)
        check(watching(f"hush+{scheme}://127.0.0.1:{port}/?interval=2").has(3))
    finally:
        board.close()
        lines.terminate()
        lines.wait()


@pytest.mark.parametrize("way", ["telnet", "nc"])
def test_buddyd_behind_a_login_is_reached_by_a_command(
    way: str, buddyd_port: int, watching: Watching, start: Start, tmp_path: Path, secret_file: Path
) -> None:
    busybox = nommu_busybox()
    client = {"telnet": script(tmp_path / "telnet", [busybox, "telnet", "127.0.0.1", str(buddyd_port)]),
              "nc": script(tmp_path / "nc", [tool("nc.openbsd"), "127.0.0.1", str(buddyd_port)])}[way]  # fmt: skip
    login = [sys.executable, str(TOP / "tests" / "board_login.py"), *ROOT, busybox, "hush"]
    argv, port = telnetd(busybox, script(tmp_path / "login", login, PS1="/ # "))
    start(argv, port)
    watch = watching(f"telnet://root@127.0.0.1:{port}/?login=file:{secret_file}&exec={client}").has(10)
    check(watch)
    assert "sesame" not in " ".join(watch.console + watch.news)


def test_buddyd_as_what_the_login_starts(
    agent_command: AgentCommand,
    watching: Watching,
    start: Start,
    tmp_path: Path,
    secret_file: Path,
) -> None:
    paths = {name: agent_command.env[name] for name in ("PYTHONPATH", "MICROPYPATH") if name in agent_command.env}
    shell = script(tmp_path / "buddyd", [*agent_command.argv, "--stdout", "--interval", "0.2"], **paths)
    login = [sys.executable, str(TOP / "tests" / "board_login.py"), *ROOT, str(shell)]
    argv, port = telnetd(nommu_busybox(), script(tmp_path / "login", login))
    start(argv, port)
    check(watching(f"telnet://root@127.0.0.1:{port}/?login=file:{secret_file}").has(10))


@pytest.mark.parametrize(
    ("query", "secret", "complaint"),
    [
        pytest.param("?login=env:BOARD_SECRET", "let me in", "the board rejects the login of root", id="wrong"),
        pytest.param("", "", "the board asks for a password; name it with login=file:PATH or", id="none"),
    ],
)
def test_a_login_that_fails_is_one_line_and_one_try(
    query: str,
    secret: str,
    complaint: str,
    watching: Watching,
    start: Start,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOARD_SECRET", secret)
    tries = tmp_path / "tries"
    login = [sys.executable, str(TOP / "tests" / "board_login.py"), *ROOT, "/bin/sh"]
    program = script(tmp_path / "login", ["/bin/sh", "-c", f'echo try >>{tries}; exec "$@"', "sh", *login])
    argv, port = telnetd(nommu_busybox(), program)
    start(argv, port)
    watch = watching(f"telnet://root@127.0.0.1:{port}/{query}").until(lambda watch: watch.news)
    for _ in range(40):
        watch.turn()
    (line,) = watch.news
    assert complaint in line
    assert "let me in" not in line
    assert tries.read_text() == "try\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may chroot and log in")
def test_busybox_login(watching: Watching, start: Start, tmp_path: Path, secret_file: Path) -> None:
    """The real one, in a root of its own."""
    probe = "mount --bind /proc /mnt"
    if subprocess.run(["unshare", "-m", "/bin/sh", "-c", probe], capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing may be mounted here, not even in a mount namespace of its own")
    root = tmp_path / "root"
    for folder in ("bin", "etc", "proc", "dev", "root"):
        (root / folder).mkdir(parents=True)
    (root / "bin" / "busybox").write_bytes(Path(nommu_busybox()).read_bytes())
    (root / "bin" / "busybox").chmod(0o755)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/hush\n")
    (root / "etc" / "shadow").write_text(f"root:{HASHED}:19000:0:99999:7:::\n")
    (root / "etc" / "group").write_text("root:x:0:\n")
    (root / "bin" / "hush").symlink_to("busybox")
    mounts = " && ".join(f"mount --bind /{name} {root}/{name}" for name in ("proc", "dev"))
    program = script(
        tmp_path / "login", ["unshare", "-m", "/bin/sh", "-c", f"{mounts} && exec chroot {root} /bin/busybox login"]
    )
    argv, port = telnetd(nommu_busybox(), program)
    start(argv, port)
    good = watching(f"hush://root@127.0.0.1:{port}/?login=file:{secret_file}&interval=1").has(3)
    check(good)
    secret_file.write_text("let me in\n")
    bad = watching(f"hush://root@127.0.0.1:{port}/?login=file:{secret_file}").until(lambda watch: watch.news)
    assert "rejects the login of root" in bad.news[0]
