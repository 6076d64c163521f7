# For MicroPython's build, see micropython/mpconfigvariant.mk
from pathlib import Path

FILES = sorted(str(path.relative_to("buddyd")) for path in Path("buddyd").rglob("*.py") if path.name != "_cpython.py")
metadata(version="0.1.0")
package("buddyd", files=FILES, opt=2)
