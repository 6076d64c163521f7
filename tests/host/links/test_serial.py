import errno
import fcntl
import os
import subprocess
import sys
import termios
import tty
from contextlib import contextmanager, suppress

import pytest
from buddywatch.links import serial as serial_module
from buddywatch.links.base import LinkError
from buddywatch.links.urls import open_link
from linktools import read_to_the_end, read_until, same_descriptors, wait, write_all

N_TTY_BUF_SIZE = 4096  # include/linux/tty.h


@contextmanager
def a_pty():
    """(master, path of the slave); the slave stays open on our side, as a device stays plugged in."""
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        yield master, os.ttyname(slave)
    finally:
        os.close(slave)
        with suppress(OSError):  # the test may have pulled the plug
            os.close(master)


def test_serial_carries_bytes_both_ways_and_never_waits():
    with same_descriptors(), a_pty() as (master, path):
        link = open_link(f"serial://{path}?baud=9600")
        link.start()
        assert link.up
        assert link.flows_unasked
        assert link.read() == b""
        os.write(master, b"~hello\r\n\x00\xff\x13")
        assert read_until(link, lambda came: len(came) >= 11) == b"~hello\r\n\x00\xff\x13"
        write_all(link, b"@h\n")
        assert os.read(master, 100) == b"@h\n"
        link.close()
        link.close()
        assert link.fileno() is None
        assert (link.read(), link.write(b"x")) == (b"", 0)


def test_serial_sets_the_port_raw_at_its_speed():
    with a_pty() as (_, path):
        link = open_link(f"serial://{path}?baud=57600")
        link.start()
        iflag, oflag, _, lflag, ispeed, _, _ = termios.tcgetattr(link.fileno())
        assert ispeed == termios.B57600
        assert not lflag & (termios.ECHO | termios.ICANON | termios.ISIG)
        assert not iflag & (termios.IXON | termios.ICRNL)
        assert not oflag & termios.OPOST
        link.close()


@pytest.mark.parametrize("heeded", [False, True])
def test_serial_heeds_rts_and_cts_where_that_is_asked_for(heeded):
    with a_pty() as (_, path):
        link = open_link(f"serial://{path}?rtscts={str(heeded).lower()}")
        link.start()
        assert bool(termios.tcgetattr(link.fileno())[2] & termios.CRTSCTS) == heeded
        link.close()


def test_serial_takes_no_more_than_the_line_does():
    with same_descriptors(), a_pty() as (_, path):
        link = open_link(f"serial://{path}")
        link.start()
        for _ in range(1000):
            if link.write(b"x" * 1000) == 0:
                break
        assert link.write(b"x") == 0
        link.close()


def test_serial_waits_for_nothing_when_it_is_closed_while_the_other_side_takes_nothing():
    """A pty never makes close() wait, so what is checked is what makes it wait on a UART: unsent output, and CTS."""
    with same_descriptors(), a_pty() as (master, path):
        link = open_link(f"serial://{path}?rtscts=true")
        link.start()
        slave = os.dup(link.fileno())
        taken = 0
        while count := link.write(b"x" * 1000):
            taken += count
        link.close()
        assert not termios.tcgetattr(slave)[2] & termios.CRTSCTS
        os.set_blocking(master, False)
        left = 0
        with suppress(BlockingIOError):
            while data := os.read(master, 65536):
                left += len(data)
        os.close(slave)
        assert taken > N_TTY_BUF_SIZE
        assert left <= N_TTY_BUF_SIZE  # what the reader's side of the pty has already taken over


def test_serial_is_down_when_the_adapter_is_unplugged_and_starts_again():
    with same_descriptors(), a_pty() as (master, path):
        link = open_link(f"serial://{path}")
        link.start()
        os.write(master, b"last words\n")
        wait(link)
        os.close(master)
        came, down = read_to_the_end(link)
        assert came in (b"last words\n", b"")  # the kernel may throw away what was not read at a hang-up
        assert not down.ended
        assert path in str(down)
        assert not link.up
        assert link.fileno() is None
        with pytest.raises(LinkError, match="no such device"):
            link.start()
        assert not link.up


def test_serial_is_down_when_it_is_written_to_after_the_adapter_is_unplugged():
    with same_descriptors(), a_pty() as (master, path):
        link = open_link(f"serial://{path}")
        link.start()
        os.close(master)
        with pytest.raises(serial_module.LinkDown, match=path):
            link.write(b"@h\n")
        assert not link.up


def test_serial_in_use_by_another_link_is_told():
    with same_descriptors(), a_pty() as (_, path):
        first, second = open_link(f"serial://{path}"), open_link(f"serial://{path}")
        first.start()
        with pytest.raises(LinkError, match="in use by another program") as raised:
            second.start()
        assert path in str(raised.value)
        first.close()
        second.start()
        second.close()


def test_serial_is_kept_from_programs_that_look_at_no_lock():
    with a_pty() as (_, path):
        link = open_link(f"serial://{path}")
        link.start()
        held = fcntl.ioctl(link.fileno(), termios.TIOCGEXCL, b"\0\0\0\0") if hasattr(termios, "TIOCGEXCL") else b"\1"
        if os.getuid() != 0:
            program = f"import os; os.open({path!r}, os.O_RDWR | os.O_NOCTTY)"
            assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode != 0
        assert held[0] == 1
        link.close()


def test_serial_device_that_does_not_exist_is_named_with_those_that_do(tmp_path, monkeypatch):
    monkeypatch.setattr(serial_module, "BY_ID", str(tmp_path))
    link = open_link("serial:///dev/no-such-port")
    with same_descriptors(), pytest.raises(LinkError, match="/dev/no-such-port: no such device; check") as raised:
        link.start()
    assert f"no adapter is listed in {tmp_path}" in str(raised.value)
    (tmp_path / "usb-FTDI_2-if00").touch()
    (tmp_path / "usb-FTDI_1-if00").touch()
    with pytest.raises(LinkError, match=f"present: {tmp_path}/usb-FTDI_1-if00, {tmp_path}/usb-FTDI_2-if00"):
        link.start()


def test_serial_path_that_is_no_port_is_told(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("not a port")
    with same_descriptors(), pytest.raises(LinkError, match="not a serial port"):
        open_link(f"serial://{path}").start()
    with same_descriptors(), pytest.raises(LinkError, match=f"^serial://{tmp_path}: not a serial port$"):
        open_link(f"serial://{tmp_path}").start()
    with same_descriptors(), pytest.raises(LinkError, match=f"^serial://{path}/x: not a directory$"):
        open_link(f"serial://{path}/x").start()


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
def test_serial_device_without_permission_is_told(tmp_path):
    with a_pty() as (_, path):
        os.chmod(path, 0)
        with pytest.raises(LinkError, match="dialout"):
            open_link(f"serial://{path}").start()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EACCES, "x"), "dialout"),
        (OSError(errno.EBUSY, "x"), "fuser /dev/ttyX"),
        (OSError(errno.EIO, "x"), "plug the adapter in again"),
        (ValueError("Not a valid baudrate"), "cannot run at 9601 baud"),
        (OSError(errno.EMFILE, "Too many open files"), "too many open files"),
        (termios.error(22, "Invalid argument"), "invalid argument"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_every_reason_comes_with_a_way_out(error, expected):
    assert expected in serial_module._why_not_opened(error, "/dev/ttyX", 9601)
