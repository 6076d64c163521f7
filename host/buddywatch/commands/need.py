"""`buddywatch need FILE... [--page-kb N]... [--json]`: what executing a program takes in one piece."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

from buddyd import watermark

from buddywatch.commands import CommandError
from buddywatch.commands.argument_types import page_kb
from buddywatch.commands.boards import print_json
from buddywatch.config.sections import Config
from buddywatch.text.escape import escaped, table
from buddywatch.text.units import format_bytes
from buddywatch.verdict.programs import Block, ProgramError, contiguous_blocks, largest_needed

PAGE_KB = (4, 8)  # of boards without an MMU: 4 kB mostly, 8 kB on ColdFire


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="a bFLT or ELF program")
    what = f"the board's page size; may be repeated (default: {' and '.join(map(str, PAGE_KB))})"
    parser.add_argument("--page-kb", metavar="N", action="append", type=page_kb, help=what)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace, config: Config) -> int:
    programs, errors = [], []
    for file in args.files:
        try:
            programs.append((file, {kb: contiguous_blocks(file, kb * 1024) for kb in args.page_kb or PAGE_KB}))
        except ProgramError as error:
            errors.append(str(error))
    if args.json:
        print_json({"programs": [_program_json(file, by_page) for file, by_page in programs]})
    elif programs:
        print("\n\n".join("\n".join(_lines(file, by_page)) for file, by_page in programs))
    if errors:
        raise CommandError(*errors)
    return 0


def _program_json(file: str, by_page: dict[int, list[Block]]) -> dict[str, Any]:
    """need_bytes: the largest block that every execution takes; buddy_bytes: the free block that one is cut from."""
    pages = [
        {
            "page_bytes": kb * 1024,
            "need_bytes": largest_needed(blocks),
            "blocks": [
                {
                    "what": block.what,
                    "bytes": block.bytes,
                    "buddy_bytes": _buddy_bytes(block.bytes, kb * 1024),
                    "order": watermark.order_for(block.bytes, kb * 1024),
                    "wasted_bytes": _buddy_bytes(block.bytes, kb * 1024) - block.bytes,
                    "stack_bytes": block.stack_bytes,
                    "smaller_stack_bytes": block.smaller_stack_bytes,
                    "filling_stack_bytes": block.filling_stack_bytes,
                    "shareable": block.shareable,
                    "note": block.note,
                }
                for block in blocks
            ],
        }
        for kb, blocks in by_page.items()
    ]
    return {"file": file, "pages": pages}


def _buddy_bytes(size_bytes: int, page_bytes: int) -> int:
    return page_bytes << int(watermark.order_for(size_bytes, page_bytes))


def _lines(file: str, by_page: dict[int, list[Block]]) -> list[str]:
    lines = [escaped(file)]
    for kb, blocks in by_page.items():
        need_bytes = largest_needed(blocks)
        buddy = format_bytes(_buddy_bytes(need_bytes, kb * 1024))
        lines.append(f"  with pages of {kb} kB: {need_bytes} bytes in one piece, out of a free block of {buddy}")
        rows = [[block.what, f"{block.bytes} bytes", _buddy_words(block, kb * 1024)] for block in blocks]
        for line, block in zip(table(rows, right=frozenset({1})), blocks, strict=True):
            lines.append(f"    {line}")
            for note in filter(None, (block.note, _stack_words(block, kb * 1024), _tail_words(block, kb * 1024))):
                lines += textwrap.wrap(note, 78, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return lines


def _buddy_words(block: Block, page_bytes: int) -> str:
    """The free block, its order, and the bytes that rounding up wastes unless the kernel trims the block."""
    buddy_bytes = _buddy_bytes(block.bytes, page_bytes)
    order = watermark.order_for(block.bytes, page_bytes)
    return f"block of {format_bytes(buddy_bytes)} (order {order}), {buddy_bytes - block.bytes} bytes unused"


def _stack_words(block: Block, page_bytes: int) -> str:
    """How small the stack must be for a block of half the size. Whether the program can run with it is unknown."""
    if not block.smaller_stack_bytes:
        return ""
    half = format_bytes(_buddy_bytes(block.bytes, page_bytes) // 2)
    return f"with a stack of {block.smaller_stack_bytes} bytes or less (now {block.stack_bytes}), a block of {half}"


def _tail_words(block: Block, page_bytes: int) -> str:
    """The unused end of the block, which the kernel gives back at once, and what would leave none."""
    unused = block.unused_bytes(page_bytes)
    if not unused or block.shareable or not block.filling_stack_bytes:
        return ""
    return (
        f"{format_bytes(unused)} at its end go back at once (vm.nr_trim_pages), and others may settle there; with a "
        f"stack of {block.filling_stack_bytes} bytes the block is full"
    )
