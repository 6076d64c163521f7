"""compat.calls through ffi, for MicroPythons without the module syscalls, such as Debian's. Numbers: x86 and ARM.

agent/micropython/modules/syscalls describes each function.
"""

import os
import struct

import ffi

from .. import const

_OPEN = const(0o2004400)  # O_CLOEXEC, O_NONBLOCK, O_NOCTTY
_DIRECTORY = const(0o200000)
_NOFOLLOW = const(0o400000)
_CREATE = const(0o101)  # O_WRONLY, O_CREAT
_HOW = (0o1000, 0, 0o2000, 0o400200, 0o400000)  # O_TRUNC, nothing, O_APPEND, O_EXCL and O_NOFOLLOW, O_NOFOLLOW
_AT_FDCWD = const(-100)
_AT_SYMLINK_NOFOLLOW = const(0x100)
_STATX_BASIC = const(0x7FF)
_RB_AUTOBOOT = const(0x1234567)
_MAP = const(0x22)  # MAP_PRIVATE, MAP_ANONYMOUS
_WATCHDOG = (0x80045702, 0x80045707)  # WDIOC_GETBOOTSTATUS, WDIOC_GETTIMEOUT of linux/watchdog.h
_NAME_AT = const(19)  # in struct linux_dirent64: inode, offset, bytes and type go before

_libc = ffi.open(None)
_open, _seek = _libc.func("i", "open", "sii"), _libc.func("l", "lseek", "ili")
_entries = _libc.func("l", "getdents64", "ipL")  # since glibc 2.30
_statx = _libc.func("i", "statx", "isiIp")  # since glibc 2.28; its struct is the same on all processors
_readlink, _kill = _libc.func("l", "readlink", "spL"), _libc.func("i", "kill", "ii")
_resize, _fsync = _libc.func("i", "ftruncate", "il"), _libc.func("i", "fsync", "i")
_close, _permit = _libc.func("i", "close", "i"), _libc.func("i", "fchmod", "ii")
_take, _give = _libc.func("l", "mmap", "lLiiil"), _libc.func("i", "munmap", "lL")
_ioctl = _libc.func("i", "ioctl", "iLp")
sync, _reboot, strerror = _libc.func("v", "sync", ""), _libc.func("i", "reboot", "i"), _libc.func("s", "strerror", "i")


def _checked(result):
    if result < 0:
        raise OSError(os.errno())
    return result


def lstat(path):
    found = bytearray(256)
    _checked(_statx(_AT_FDCWD, path, _AT_SYMLINK_NOFOLLOW, _STATX_BASIC, found))
    links, uid, gid, mode = struct.unpack_from("<IIIH", found, 16)
    inode, size_bytes, blocks = struct.unpack_from("<QQQ", found, 32)
    changed_s = struct.unpack_from("<q", found, 112)[0]
    major, minor = struct.unpack_from("<II", found, 136)
    return mode, links, uid, gid, size_bytes, blocks, changed_s, major << 20 | minor, inode


def folder(path, follow):
    return _checked(_open(path, _OPEN | _DIRECTORY | (0 if follow else _NOFOLLOW), 0))


def name(folder, position):
    found = bytearray(291)
    _checked(_seek(folder, 0 if position is None else struct.unpack("<q", position)[0], 0))
    if not _checked(_entries(folder, found, len(found))):
        return None
    return bytes(found[_NAME_AT : found.find(b"\0", _NAME_AT)]), found[_NAME_AT - 1], bytes(found[8:16])


def create(path, how):
    return _checked(_open(path, _OPEN | _CREATE | _HOW[how], 0o666))


def close(descriptor):
    _checked(_close(descriptor))


def resize(descriptor, size_bytes):
    _checked(_resize(descriptor, size_bytes))


def fsync(descriptor):
    _checked(_fsync(descriptor))


def readlink(path):
    target = bytearray(256)
    return bytes(target[: _checked(_readlink(path, target, len(target)))])


def kill(pid, signal):
    _checked(_kill(pid, signal))


def reboot():
    _checked(_reboot(_RB_AUTOBOOT))


def permit(descriptor, mode):
    _checked(_permit(descriptor, mode))


def take(size_bytes):
    memory = _take(0, size_bytes, 3, _MAP, -1, 0)  # 3: PROT_READ, PROT_WRITE
    return _checked(memory) if memory == -1 else memory


def give(memory, size_bytes):
    _checked(_give(memory, size_bytes))


def watchdog(descriptor, what):
    value = bytearray(4)
    _checked(_ioctl(descriptor, _WATCHDOG[what], value))
    return struct.unpack("i", value)[0]
