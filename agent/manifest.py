# For MicroPython's build: make -C ports/unix FROZEN_MANIFEST=.../agent/manifest.py
metadata(version="0.1.0")
package("buddyd", opt=2)
