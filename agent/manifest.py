# For MicroPython's build, see micropython/mpconfigvariant.mk
import os

FILES = [name for name in os.listdir("buddyd") if name.endswith(".py") and name != "_cpython.py"]
metadata(version="0.1.0")
package("buddyd", files=FILES, opt=2)
