# For MicroPython's build, see micropython/mpconfigvariant.mk
from pathlib import Path

# For other interpreters, see compat.py: these have fdio. And for hosts.
OTHERS = ("_cpython.py", "_ffi.py", "wire_host.py")
FILES = sorted(str(path.relative_to("buddyd")) for path in Path("buddyd").rglob("*.py") if path.name not in OTHERS)
metadata(version="0.1.0")
package("buddyd", files=FILES, opt=2)
