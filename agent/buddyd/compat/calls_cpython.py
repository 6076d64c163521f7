"""compat.calls for CPython; agent/micropython/modules/syscalls describes each function."""

import fcntl
import mmap
import os
import struct
import sys

sync, kill, readlink, strerror = os.sync, os.kill, os.readlink, os.strerror
close, fsync, resize, permit = os.close, os.fsync, os.ftruncate, os.fchmod
_HOW = (os.O_TRUNC, 0, os.O_APPEND, os.O_EXCL | os.O_NOFOLLOW, os.O_NOFOLLOW)
_RB_AUTOBOOT = 0x1234567
_WATCHDOG = (0x80045702, 0x80045707)  # WDIOC_GETBOOTSTATUS, WDIOC_GETTIMEOUT of linux/watchdog.h


def lstat(path):
    found = os.lstat(path)
    ours = found.st_mode, found.st_nlink, found.st_uid, found.st_gid, found.st_size, found.st_blocks
    return (*ours, int(found.st_mtime), found.st_dev, found.st_ino)


def folder(path, follow):
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))


def name(folder, position):
    at = 0 if position is None else int(position)
    with os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            if number == at:
                kind = 10 if entry.is_symlink() else 4 if entry.is_dir(follow_symlinks=False) else 8
                return os.fsencode(entry.name), kind, b"%d" % (at + 1)
    return None


def create(path, how):
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | _HOW[how], 0o666)


def reboot():
    """reboot(2), which the module os lacks."""
    import ctypes

    if ctypes.CDLL(None, use_errno=True).reboot(_RB_AUTOBOOT) < 0:
        raise OSError(ctypes.get_errno(), "")
    sys.exit(0)


def take(size_bytes):
    return mmap.mmap(-1, size_bytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def give(memory, size_bytes):
    memory.close()


def watchdog(descriptor, what):
    return struct.unpack("i", fcntl.ioctl(descriptor, _WATCHDOG[what], bytes(4)))[0]
