"""The contiguous memory that a program needs to start on a kernel without an MMU.

Without an MMU every mapping is physically contiguous, so a program starts only if the page allocator has a block for
each of the pieces listed here. The rules are those of fs/binfmt_flat.c:load_flat_file() (read in 2.6.30 and 6.1) and
fs/binfmt_elf_fdpic.c (6.1, 7.2) of Linux. Only the headers of a file are read; it may be for another machine.

Not listed: the few single pages every exec takes, and the kernel's stack for the new process.
"""

import os
import stat
import struct
from dataclasses import dataclass, replace
from typing import BinaryIO

FLAT_HEADER = struct.Struct(">4s15I")  # struct flat_hdr, include/linux/flat.h: big-endian on every machine
FLAT_RAM, FLAT_GZIP, FLAT_GZDATA = 0x1, 0x4, 0x8
FLAT_OLD_REV, FLAT_REV = 2, 4
FLAT_LIBRARY_SLOT_BYTES = 4  # MAX_SHARED_LIBS pointers in front of the data; 1 without CONFIG_BINFMT_SHARED_FLAT
FLAT_LENGTH_BITS = 28  # larger lengths are "bad header" to the kernel (binary corruption)
# decompress_exec(): sizeof(struct inflate_workspace) on 32 bit: a 32 kB window and an inflate_state of
# 27 words + 320 * 2 + 288 * 2 + 2048 * 4 bytes (lib/zlib_inflate).
UNZIP_WORKSPACE_BYTES = 32768 + 27 * 4 + 320 * 2 + 288 * 2 + 2048 * 4

ET_EXEC, ET_DYN = 2, 3
PT_LOAD, PT_INTERP, PT_GNU_STACK = 1, 3, 0x6474E551
PF_X, PF_W = 1, 2
ELF_DEFAULT_STACK_BYTES = 131072
ELF_MIN_STACK_PAGES = 2
LEAST_STACK_BYTES = 2048  # no advice to go below it: elf2flt gives 4096 by default
MAX_PROGRAM_HEADERS_BYTES = 65536
# e_machine: (EI_OSABI or None, e_flags mask) that mark FDPIC, and the e_flags that tie its segments together again
# (elf_check_fdpic() and elf_check_const_displacement() in arch/*/include/asm/elf.h).
_FDPIC = {
    40: (65, 0, 0x20),  # arm
    42: (None, 0x8000, 0x100),  # sh
    94: (65, 0, 0),  # xtensa
    106: (None, 0x2, 0x1),  # blackfin
}


class ProgramError(Exception):
    """One line: the file, what was read there, what was expected, what to do."""


@dataclass(frozen=True)
class Block:
    """One piece of memory that exec asks the page allocator for.

    what: "text", "data", "image", "stack", "unzip workspace" ...; bytes: whole pages.
    shareable: it needs no memory if the program is executed in place (romfs in flash) or already runs; otherwise it is
    copied into a block of this size. note: one line of explanation, or "". stack_bytes: the part that is stack, or 0.
    smaller_stack_bytes: the largest stack with which a block of half the size is enough; 0 if that stack would be
    smaller than LEAST_STACK_BYTES. filling_stack_bytes: the largest stack with which a block of this size is enough, so
    that the kernel has nothing to give back; 0 if the stack is not in it.
    """

    what: str
    bytes: int
    shareable: bool = False
    note: str = ""
    stack_bytes: int = 0
    smaller_stack_bytes: int = 0
    filling_stack_bytes: int = 0

    def unused_bytes(self, page_bytes: int) -> int:
        """Whole pages at the end of the block that the kernel gives back at once, unless vm.nr_trim_pages is 0."""
        return _whole_block(self.bytes, page_bytes) - self.bytes


def contiguous_blocks(path: str | os.PathLike[str], page_bytes: int = 4096, argument_bytes: int = 0) -> list[Block]:
    """The blocks that the program needs to start, in the order in which the kernel requests them.

    argument_bytes: size of the argument and environment strings and their pointers (4 bytes each, and two more). The
    data block of a bFLT program grows by it. It is seldom above 300 and matters only next to a page boundary, so the
    default is 0. Raises ProgramError.
    """
    if page_bytes < 1 or page_bytes & (page_bytes - 1):
        raise ValueError(f"page_bytes = {page_bytes}: expected a power of two such as 4096")
    name = os.fspath(path)
    name = name if name.isprintable() else ascii(name)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ProgramError(f"{name}: not a file; name the program file itself")
        with open(path, "rb") as file:
            return _blocks_of(file, name, page_bytes, argument_bytes)
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or error
        raise ProgramError(f"{name}: cannot be read ({reason}); give the path of the program on this machine") from None


def need_bytes(path: str | os.PathLike[str], page_bytes: int = 4096, argument_bytes: int = 0) -> int:
    """The largest block that every execution of the program takes.

    Shareable blocks do not count: on the boards in question, shell and tools are one program whose text is in flash or
    already in memory, and it is the data block that fails. Arguments and errors: see contiguous_blocks().
    """
    return largest_needed(contiguous_blocks(path, page_bytes, argument_bytes))


def largest_needed(blocks: list[Block]) -> int:
    """The largest block that every start of a program with these blocks needs."""
    return max(block.bytes for block in blocks if not block.shareable)


def _blocks_of(file: BinaryIO, name: str, page_bytes: int, argument_bytes: int) -> list[Block]:
    head = file.read(FLAT_HEADER.size)
    if head[:4] == b"bFLT":
        return _flat_blocks(head, name, page_bytes, argument_bytes)
    if head[:4] == b"\x7fELF":
        return _elf_blocks(file, head, name, page_bytes)
    if head[:2] == b"#!":
        line = head[2:].split(b"\n")[0].split()
        interpreter = ascii(line[0].decode("latin-1"))[1:-1] if line else "no program"
        raise ProgramError(f"{name}: a script run by {interpreter}; give that program's file instead")
    if not head:
        raise ProgramError(f"{name}: empty; expected a bFLT or ELF program")
    raise ProgramError(f"{name}: starts with bytes {head[:4].hex(' ')}; expected a bFLT or ELF program")


def _flat_header(head: bytes, name: str) -> tuple[int, int, int, int, int, int, int]:
    """Revision, data start and end, bss end, stack, relocations, flags. Checked as the kernel checks them."""
    if len(head) < FLAT_HEADER.size:
        raise ProgramError(f"{name}: {len(head)} bytes of a bFLT header of {FLAT_HEADER.size}; copy the file again")
    _, rev, _, data_start, data_end, bss_end, stack_bytes, _, relocs, flags, *_ = FLAT_HEADER.unpack(head)
    if rev not in (FLAT_OLD_REV, FLAT_REV):
        raise ProgramError(f"{name}: bFLT revision {rev}; the kernel loads 2 and 4; build the program again")
    if (
        not FLAT_HEADER.size <= data_start <= data_end <= bss_end
        or max(bss_end, stack_bytes, relocs) >> FLAT_LENGTH_BITS
    ):
        raise ProgramError(
            f"{name}: bFLT header says data {data_start:#x} to {data_end:#x}, bss to {bss_end:#x}, "
            f"stack {stack_bytes:#x}, {relocs} relocations; "
            "expected 0x40 <= data <= bss, each below 256 MB; the file is damaged, copy it again"
        )
    return rev, data_start, data_end, bss_end, stack_bytes, relocs, flags


def _flat_blocks(head: bytes, name: str, page_bytes: int, argument_bytes: int) -> list[Block]:
    rev, data_start, data_end, bss_end, stack_bytes, relocs, flags = _flat_header(head, name)
    if rev == FLAT_OLD_REV and flags:
        flags = FLAT_RAM  # flat_old_ram_flag(): the old format had no other flag
    extra = max(bss_end - data_end + stack_bytes + argument_bytes, 4 * relocs)
    data_bytes = data_end - data_start + extra + FLAT_LIBRARY_SLOT_BYTES
    in_ram = bool(flags & (FLAT_RAM | FLAT_GZIP))
    text_bytes = data_start if in_ram else 0
    blocks = []
    if not in_ram:
        text_note = "not needed on a romfs in flash, or if the program already runs"
        blocks.append(Block("text", _whole_pages(data_start, page_bytes), shareable=True, note=text_note))
    fixed_bytes = text_bytes + data_end - data_start + FLAT_LIBRARY_SLOT_BYTES
    block = Block(
        "image" if in_ram else "data",
        _whole_pages(text_bytes + data_bytes, page_bytes),
        note="text, data, bss and stack in one" if in_ram else "data, bss and stack in one",
        stack_bytes=stack_bytes,
    )
    other_bytes = fixed_bytes + bss_end - data_end + argument_bytes
    block = replace(block, filling_stack_bytes=_whole_block(block.bytes, page_bytes) - other_bytes)
    smaller_bytes = _half_block(block.bytes, page_bytes) - other_bytes
    # Relocations are read into the space of bss and stack, so a stack smaller than them saves nothing.
    if smaller_bytes >= LEAST_STACK_BYTES and fixed_bytes + 4 * relocs <= _half_block(block.bytes, page_bytes):
        block = replace(block, smaller_stack_bytes=smaller_bytes)
    blocks.append(block)
    if flags & (FLAT_GZIP | FLAT_GZDATA):
        workspace = _whole_pages(UNZIP_WORKSPACE_BYTES, page_bytes)
        blocks.append(
            Block("unzip workspace", workspace, note="only while the file is read, in addition to the others")
        )
    return blocks


@dataclass(frozen=True)
class _Segment:
    kind: int
    flags: int
    offset: int
    address: int
    file_bytes: int
    memory_bytes: int


def _elf_blocks(file: BinaryIO, head: bytes, name: str, page_bytes: int) -> list[Block]:
    independent, segments = _elf_segments(file, head, name)
    loads = [segment for segment in segments if segment.kind == PT_LOAD]
    if not any(segment.memory_bytes for segment in loads):
        raise ProgramError(f"{name}: ELF without anything to load; expected a linked program")
    if independent:
        blocks = [_segment_block(segment, page_bytes) for segment in loads if segment.memory_bytes]
    else:
        start = min(segment.address for segment in loads)
        end = max(segment.address + segment.memory_bytes for segment in loads)
        blocks = [Block("image", _whole_pages(end - start, page_bytes), note="all segments in one, never shared")]
    interpreter = _interpreter(file, segments, name)
    stack_bytes = next((segment.memory_bytes for segment in segments if segment.kind == PT_GNU_STACK), 0)
    note = "as the program asks"
    if not stack_bytes:
        stack_bytes, note = ELF_DEFAULT_STACK_BYTES, "the kernel's default; link with -z stack-size=N to change it"
    if interpreter:
        loads_note = f"also loads {interpreter}, which needs its own blocks: check that file as well"
        blocks[0] = replace(blocks[0], note="; ".join(filter(None, (blocks[0].note, loads_note))))
    stack_bytes = max(_whole_pages(stack_bytes, page_bytes), ELF_MIN_STACK_PAGES * page_bytes)
    half_bytes = _half_block(stack_bytes, page_bytes)
    smaller_bytes = half_bytes if half_bytes >= ELF_MIN_STACK_PAGES * page_bytes else 0
    filling_bytes = _whole_block(stack_bytes, page_bytes)
    return [*blocks, Block("stack", stack_bytes, False, note, stack_bytes, smaller_bytes, filling_bytes)]


def _elf_segments(file: BinaryIO, head: bytes, name: str) -> tuple[bool, list[_Segment]]:
    """(segments are placed independently, program headers)."""
    if len(head) < 52 or (head[4] == 2 and len(head) < 64):
        raise ProgramError(f"{name}: {len(head)} bytes of an ELF header; copy the file again")
    if head[4] not in (1, 2) or head[5] not in (1, 2):
        raise ProgramError(f"{name}: ELF class {head[4]}, data {head[5]}; expected 1 or 2 each; copy the file again")
    wide = head[4] == 2
    order = "<" if head[5] == 1 else ">"
    kind, machine = struct.unpack_from(order + "HH", head, 16)
    table_at = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)[0]
    e_flags, _, entry_bytes, entries = struct.unpack_from(order + "IHHH", head, 48 if wide else 36)
    osabi, fdpic_flag, joined_flag = _FDPIC.get(machine, (None, 0, 0))
    fdpic = head[7] == osabi or bool(e_flags & fdpic_flag)
    if kind not in (ET_EXEC, ET_DYN):
        raise ProgramError(f"{name}: ELF type {kind}; expected a program (type 2 or 3), not an object or core file")
    if kind == ET_EXEC and not fdpic:
        raise ProgramError(
            f"{name}: ELF linked for a fixed address (type 2); a kernel without an MMU loads only position-independent "
            "ones; link with -static-pie"
        )
    header = struct.Struct(order + ("IIQQQQQQ" if wide else "8I"))
    table_bytes = entries * header.size
    if entry_bytes != header.size or table_bytes > MAX_PROGRAM_HEADERS_BYTES:
        raise ProgramError(
            f"{name}: ELF has {entries} program headers of {entry_bytes} bytes; expected {header.size} bytes each and "
            f"at most {MAX_PROGRAM_HEADERS_BYTES} in all; the file is damaged, copy it again"
        )
    table = _read_at(file, table_at, table_bytes)
    if len(table) < table_bytes:
        raise ProgramError(f"{name}: ends before its {entries} program headers at byte {table_at}; copy the file again")
    segments = [_segment(fields, wide, name) for fields in header.iter_unpack(table)]
    return fdpic and not e_flags & joined_flag, segments


def _segment(fields: tuple[int, ...], wide: bool, name: str) -> _Segment:
    if wide:
        kind, flags, offset, address, _, file_bytes, memory_bytes, _ = fields
    else:
        kind, offset, address, _, file_bytes, memory_bytes, flags, _ = fields
    if kind == PT_LOAD and (file_bytes > memory_bytes or (address + memory_bytes) >> (64 if wide else 32)):
        raise ProgramError(
            f"{name}: ELF segment at {address:#x} has {file_bytes} bytes in the file and {memory_bytes} in memory; "
            "expected no more in the file, and an end within the address space; the file is damaged, copy it again"
        )
    return _Segment(kind, flags, offset, address, file_bytes, memory_bytes)


def _segment_block(segment: _Segment, page_bytes: int) -> Block:
    size_bytes = _whole_pages(segment.memory_bytes + segment.address % page_bytes, page_bytes)
    if segment.flags & PF_W:
        return Block("data", size_bytes)
    what = "text" if segment.flags & PF_X else "constants"
    return Block(
        what, size_bytes, shareable=True, note="not needed on a romfs in flash, or if the program already runs"
    )


def _interpreter(file: BinaryIO, segments: list[_Segment], name: str) -> str:
    segment = next((segment for segment in segments if segment.kind == PT_INTERP), None)
    if segment is None:
        return ""
    path = _read_at(file, segment.offset, min(segment.file_bytes, 4096))
    if len(path) < 2 or not path.endswith(b"\0"):
        raise ProgramError(f"{name}: ELF interpreter name is {len(path)} bytes without an end; copy the file again")
    return ascii(path[:-1].decode("latin-1"))[1:-1]


def _read_at(file: BinaryIO, offset: int, count: int) -> bytes:
    try:
        file.seek(offset)
        return file.read(count)
    except (ValueError, OverflowError, OSError):  # an impossible file offset
        return b""


def _whole_block(size_bytes: int, page_bytes: int) -> int:
    """The block that so many bytes need: a power of two of pages."""
    return page_bytes << (-(-size_bytes // page_bytes) - 1).bit_length()


def _half_block(size_bytes: int, page_bytes: int) -> int:
    """Half of that; 0 if they need a single page."""
    return _whole_block(size_bytes, page_bytes) // 2 if size_bytes > page_bytes else 0


def _whole_pages(size_bytes: int, page_bytes: int) -> int:
    return -(-size_bytes // page_bytes) * page_bytes
