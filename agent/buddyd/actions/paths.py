"""Files and folders as the commands see them: read in small pieces, never waited for, named in messages."""

import os

from .. import compat, const
from ..compat.calls import calls, words
from ..sources.kernel_messages import printable

PIECE_BYTES = const(512)
PATH_MAX = const(480)  # bytes of a path that a walk makes: a request cannot name a longer one
KIND = const(0o170000)
FOLDER = const(0o040000)
REGULAR = const(0o100000)
LINK = const(0o120000)
_KERNEL_LOG = "/proc/kmsg"
_ENOENT = const(2)
_EINVAL = const(22)
_DT_FOLDER = const(4)
_DT_UNKNOWN = const(0)


def shown(path):
    """A path (bytes) in a message: printable, not too long."""
    return printable(path[:160])


def failed(command, error, path=None, phrase="%s"):
    """The line that reports an OSError, in BusyBox's form: `rm: can't remove 'x': No such file or directory`."""
    about = "" if path is None else ": " + phrase % shown(path)
    return "%s%s: %s" % (command, about, words(error))


def join(folder, name):
    return name if folder == b"." else folder + name if folder[-1:] == b"/" else folder + b"/" + name


def base(path):
    """The last part of a path, without slashes behind it."""
    while len(path) > 1 and path[-1:] == b"/":
        path = path[:-1]
    return path[path.rfind(b"/") + 1 :] or path


def kind_of(path):
    """The kind of file that a path leads to, 0 if there is none. OSError for other reasons."""
    try:
        return os.stat(path)[0] & KIND
    except OSError as error:
        if error.errno != _ENOENT:
            raise
        return 0


def is_folder(path):
    try:
        return kind_of(path) == FOLDER
    except OSError:
        return False


def opened(path):
    """A regular file, open for reading. OSError (EINVAL) for any other kind: a device or a FIFO may act, or wait.

    And for the kernel log: who reads its lines takes them away from buddyd itself (do_syslog() in kernel/printk.c).
    """
    status = os.stat(path)
    kind = status[0] & KIND
    if kind == FOLDER:
        raise OSError(21, "")  # EISDIR
    if kind != REGULAR or _is_kernel_log(status):
        raise OSError(_EINVAL, "")
    return compat.open_nonblocking(path)


def _is_kernel_log(status):
    try:
        return os.stat(_KERNEL_LOG)[1:3] == status[1:3]  # inode and device, whatever name leads to it
    except OSError:
        return False


def pieces(file):
    """Yield the file's bytes, piece by piece, in one buffer. Ends where a file of /proc would make the agent wait."""
    buffer = bytearray(PIECE_BYTES)
    view = memoryview(buffer)
    count = compat.read_some(file, buffer)
    while count:
        yield view[:count]
        count = compat.read_some(file, buffer)


class Created:
    """A file that is written. how: syscalls.create()'s. OSError."""

    def __init__(self, path, how):
        kind = kind_of(path)
        if kind not in (0, REGULAR):
            raise OSError(21 if kind == FOLDER else _EINVAL, "")
        self.descriptor = calls.create(path, how)
        self.file = compat.open_output(self.descriptor)

    def write(self, data):
        """All of data; OSError (ENOSPC) if the kernel takes less."""
        done = 0
        while done < len(data):
            count = compat.write(self.file, data, done, len(data) - done)
            if not count:
                raise OSError(28, "")
            done += count

    def close(self):
        self.file.close()


def permit(descriptor, mode):
    """Give a file its mode, where the file system and the interpreter can: FAT has none."""
    try:
        calls.permit(descriptor, mode)
    except OSError:
        pass


def entry(path, follow, position):
    """(name, is a folder, position of the next) of the entry of a folder at a position, None at its end. OSError.

    `.` and `..` are left out. The folder is opened for each entry: what a walk removes or adds disturbs nothing.
    """
    descriptor = calls.folder(path, follow)
    try:
        while True:
            found = calls.name(descriptor, position)
            if found is None:
                return None
            name, kind, position = found
            if name not in (b".", b".."):
                break
    finally:
        calls.close(descriptor)
    if kind == _DT_UNKNOWN:
        kind = _DT_FOLDER if calls.lstat(join(path, name))[0] & KIND == FOLDER else 8
    return name, kind == _DT_FOLDER, position
