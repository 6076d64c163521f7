"""What a text says about its kernel: the release, settings, the machine. It handles tokens of lexer.py."""

from __future__ import annotations

import re

from buddywatch.kernel_text.lines import Cleaned
from buddywatch.kernel_text.raw import Raw


def is_cut_release(cleaned: Cleaned, match: re.Match[str], release: str) -> bool:
    """True if the release may have lost what decides: "3.1" of "3.18", "2.6.3" of "2.6.30"."""
    return cleaned.may_be_cut_at(match.end()) and (release.count(".") < 2 or release.startswith("2.6."))


class KernelReader:
    """What it finds goes to raw."""

    def __init__(self, raw: Raw, cleaned: Cleaned) -> None:
        self._raw = raw
        self._cleaned = cleaned

    def _on_release(self, match: re.Match[str]) -> None:
        release = match["version_release"] or match["uname_release"] or match["osrelease"]
        if not is_cut_release(self._cleaned, match, release):
            self._raw.releases.append((match.start(), release.rstrip(".")))
        if "uClinux" in match[0] or "uclinux" in match[0]:
            self._raw.signs.add("uclinux")

    def _on_prose(self, match: re.Match[str]) -> None:
        self._raw.prose_releases.append((match.start(), match["prose_release"].rstrip(".")))

    def _on_sysctl(self, match: re.Match[str]) -> None:
        self._raw.sysctls[match["sysctl_key"]] = int(match["sysctl_value"])

    def _on_compacts(self, match: re.Match[str]) -> None:
        self._raw.signs.add("compaction")

    def _on_no_compacts(self, match: re.Match[str]) -> None:
        self._raw.signs.add("no-compaction")

    def _on_machine(self, match: re.Match[str]) -> None:
        self._raw.signs.add("x86")
