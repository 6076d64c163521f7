# For MicroPython's build, see micropython/mpconfigvariant.mk
from pathlib import Path

# For other interpreters, see compat/: these have fdio and syscalls. And for hosts.
OTHERS = ("cpython.py", "fdio_by_ffi.py", "calls_cpython.py", "calls_by_ffi.py", "wire_host.py")
FILES = sorted(str(path.relative_to("buddyd")) for path in Path("buddyd").rglob("*.py") if path.name not in OTHERS)
# Without metadata(version=...): it would put __version__ into every module, 0.6 kB of heap in all.
package("buddyd", files=FILES, opt=2)
