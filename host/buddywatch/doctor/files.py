"""What a file tells about a board, by its content: a program, a kernel, a configuration, a script, /proc text. Pure."""

from __future__ import annotations

import re

from buddywatch.doctor.facts import Script

PROGRAM, KERNEL, CONFIGURATION, SCRIPT, TEXT = "program", "kernel", "configuration", "script", "text"
_LINUX = re.compile(rb"(?:uClinux|Linux) version (\d{1,2}\.\d{1,3}(?:\.\d{1,5})?[\w.+-]{0,40})")
_OPTION = re.compile(r"^(?:# )?((?:CONFIG_)?[A-Z][A-Z0-9_]{2,60})(?:=(\S+)| is not set)$", re.MULTILINE)
_LEAST_OPTIONS = 3
_COMMAND = re.compile(r"^(?:/(?:s?bin|usr|etc)/\S+|echo\s|mount\s|ifconfig\s|exec\s|export\s)", re.MULTILINE)
_PROC = re.compile(r"^(?:Node \d|MemTotal:|\w+-\w+ r|nr_free_pages )|Mem-Info:|Allocation of length", re.MULTILINE)


def kind_of(content: bytes) -> str:
    if content[:4] in (b"bFLT", b"\x7fELF"):
        return KERNEL if _LINUX.search(content) else PROGRAM
    if b"\0" in content:
        return KERNEL if _LINUX.search(content) else TEXT
    text = content.decode("utf-8", "replace")
    if len(_OPTION.findall(text)) >= _LEAST_OPTIONS:
        return CONFIGURATION
    if text.startswith("#!") or (_COMMAND.search(text) and not _PROC.search(text)):
        return SCRIPT
    return TEXT


def release_in(image: bytes) -> str | None:
    """The release in the banner of a kernel image that is not compressed."""
    found = _LINUX.search(image)
    return found[1].decode("ascii") if found else None


def has_no_mmu(image: bytes) -> bool | None:
    """True for the banner of a kernel without an MMU (linux_banner of 2.6: init/version.c says uClinux)."""
    return True if b"uClinux version" in image or b"nr_trim_pages" in image else None


def options_in(text: str) -> dict[str, str]:
    """The options of a .config; "n" for those that are not set."""
    return {name: value or "n" for name, value in _OPTION.findall(text)}


def script_of(name: str, text: str) -> Script:
    return Script(name, tuple(text.splitlines()))
