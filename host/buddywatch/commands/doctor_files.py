"""Reads files for `doctor`, and adds what they tell to what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from buddywatch.commands import CommandError
from buddywatch.commands.value_files import named
from buddywatch.config.whole_file import read_whole
from buddywatch.doctor import files, proc_text
from buddywatch.doctor.busybox import version_in
from buddywatch.doctor.facts import BoardFacts, Program
from buddywatch.text.escape import escaped
from buddywatch.verdict.programs import ProgramError, contiguous_blocks

FILE_MAX_BYTES = 64 << 20  # a kernel image of a small board has a few MB
WAIT_S = 60.0
_DEFAULT_PAGE_BYTES = 4096


def with_files(facts: BoardFacts, names: Sequence[str], page_kb: int | None) -> BoardFacts:
    """What is known and what the files tell. Raises CommandError for one that cannot be read."""
    contents = {name: _content(name) for name in names}
    kinds = {name: files.kind_of(content) for name, content in contents.items()}
    texts = [name for name in names if kinds[name] == files.TEXT]
    if texts:  # together, as one may have the page size of another's numbers
        told = proc_text.facts_of("\n".join(_as_text(name, contents[name]) for name in texts), page_kb)
        if told == BoardFacts():
            raise CommandError(
                f"{', '.join(map(escaped, texts))}: nothing usable; expected a program, a kernel, a .config, a script "
                "or text of /proc"
            )
        facts = _merged(facts, told)
    for name in names:
        facts = _with_file(facts, name, kinds[name], contents[name], page_kb)
    return facts


def _with_file(facts: BoardFacts, name: str, kind: str, content: bytes, page_kb: int | None) -> BoardFacts:
    text = content.decode("utf-8", "replace")
    if kind == files.PROGRAM:
        return replace(facts, programs=(*facts.programs, _program(name, content, facts, page_kb)))
    if kind == files.KERNEL:
        return _merged(facts, BoardFacts(release=files.release_in(content), no_mmu=files.has_no_mmu(content)))
    if kind == files.CONFIGURATION:
        return replace(facts, options={**facts.options, **files.options_in(text)})
    if kind == files.SCRIPT:
        return replace(facts, scripts=(*facts.scripts, files.script_of(Path(name).name, text)))
    return facts


def _as_text(name: str, content: bytes) -> str:
    return named(name, content.decode("utf-8", "replace"))


def _content(name: str) -> bytes:
    try:
        return read_whole(Path(name), FILE_MAX_BYTES, WAIT_S)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(f"{escaped(name)}: cannot be read ({reason}); give a file") from None


def _program(name: str, content: bytes, facts: BoardFacts, page_kb: int | None) -> Program:
    page_bytes = page_kb * 1024 if page_kb else facts.page_bytes or _DEFAULT_PAGE_BYTES
    try:
        blocks = contiguous_blocks(name, page_bytes)
    except ProgramError as error:
        raise CommandError(str(error)) from None
    return Program(Path(name).name, tuple(blocks), version_in(content))


def _merged(facts: BoardFacts, told: BoardFacts) -> BoardFacts:
    """What is known already stays; the rest is added."""
    added: dict[str, Any] = {
        one.name: getattr(told, one.name)
        for one in fields(BoardFacts)
        if getattr(facts, one.name) is None and getattr(told, one.name) is not None
    }
    return replace(facts, **added)
