"""CMA could not make a contiguous range free. mm/cma.c, mm/page_alloc.c alloc_contig_range()."""

from __future__ import annotations

from buddywatch.explain import reasons
from buddywatch.explain.families.finding import Finding
from buddywatch.explain.remedy import Remedy
from buddywatch.kernel_text.messages import cma as forms
from buddywatch.kernel_text.nearest import nearest_meminfo
from buddywatch.kernel_text.raw import Message, Raw
from buddywatch.text.escape import counted, one_line

_BUSY = 16  # EBUSY
_PLENTY = 4  # times as much as was asked for
_PAGE_SIZES = {4096 << shift for shift in range(5)}
_ERRNOS = {
    12: "-12 (ENOMEM): no run of that many pages of the area is unused",
    16: "-16 (EBUSY): a run was found, but the pages in it could not be moved away",
    4: "-4 (EINTR): the process was ended by a signal while CMA moved pages; this is no lack of memory",
}


def finding(message: Message, raw: Raw) -> Finding:
    numbers = {key: value for notice in message.notices for key, value in notice.numbers.items()}
    if "request_pages" not in numbers and (tried := _tried_pages(message)):
        numbers["request_pages"] = tried
    words = {key: value for notice in message.notices for key, value in notice.words.items()}
    if "reserve_mb_number" in numbers:
        return _not_reserved(numbers["reserve_mb_number"])
    amount = _amount(numbers, message)
    area = f" {one_line(words['area'], 64)}" if words.get("area") else ""
    device = f" for {one_line(words['device'], 80).rstrip(':')}" if words.get("device") else ""
    asked = (
        f"A driver asked for {amount}{device}, in one run, from the area{area} that the kernel keeps for such requests "
        "(CMA). The blocks and watermarks of the other zones do not decide it."
    )
    memory = nearest_meminfo(raw, message.offset)
    remedies = (*_try_again(message, numbers), *_ask_early(numbers, memory), *_remedies(numbers))
    cause = f"{_cause(message, numbers)}{_of_meminfo(memory)}"
    return Finding(amount, asked, cause, reasons.CMA_BUSY, True, remedies)


def _tried_pages(message: Message) -> int | None:
    """The size of the range that could not be emptied, if it is that of the buffer."""
    size = message.requested_bytes
    for words in (notice.words for notice in message.notices if notice.form == forms.BUSY):
        pages = int(words["end_pfn"], 16) - int(words["first_pfn"], 16)
        if size and pages > 0 and size % pages == 0 and size // pages in _PAGE_SIZES:
            return pages
    return None


def _amount(numbers: dict[str, int], message: Message) -> str:
    pages, size = numbers.get("request_pages"), message.requested_bytes
    if pages is None:
        return f"{size} bytes of CMA" if size is not None else "a range of CMA"
    if size is not None and size % pages == 0 and size // pages in _PAGE_SIZES:
        return f"{counted(pages, 'page')} of CMA ({size // 1024} kB, pages of {size // pages // 1024} kB)"
    return f"{counted(pages, 'page')} of CMA ({pages * 4} kB with pages of 4 kB)"


def _cause(message: Message, numbers: dict[str, int]) -> str:
    parts = []
    errno = numbers.get("errno_number")
    if errno is not None:
        parts.append(f"The area answered {_ERRNOS.get(errno, f'-{errno}')}.")
    busy = [notice.words for notice in message.notices if notice.form == forms.BUSY]
    if busy:
        ranges = ", ".join(f"{words['first_pfn']} to {words['end_pfn']}" for words in busy[:3])
        parts.append("No range of the area could be emptied in time.")
        pages = max(int(words["end_pfn"], 16) - int(words["first_pfn"], 16) for words in busy)
        more = f" and {len(busy) - 3} more" if len(busy) > 3 else ""
        parts.append(
            f"Page frames {ranges}{more} (of up to {pages} pages) were busy: something in them was in use and could "
            "not be moved away at once, such as a page under I/O or one that a driver has pinned."
        )
    if {notice.form for notice in message.notices} == {forms.BUSY}:
        parts.append("Whether the request failed in the end is not in the text.")
    if "free_pages" in numbers:
        parts.append(f"{numbers['free_pages']} of the area's {numbers['area_pages']} pages were free{_runs(message)}.")
    if errno == 12 and "free_pages" not in numbers and not busy:
        parts.append("Either the area is used up, or what is unused is in pieces that are too small.")
    if not parts:
        parts.append("The text does not say why.")
    return " ".join(parts)


def _of_meminfo(memory: dict[str, int]) -> str:
    free, total = memory.get("CmaFree"), memory.get("CmaTotal")
    if free is None:
        return ""
    of = f" of {total} kB" if total is not None else ""
    return f" By /proc/meminfo, of another moment, {free} kB{of} of CMA were free."


def _runs(message: Message) -> str:
    largest = _largest_run(message)
    return f", the largest run of them {largest} pages" if largest else ""


def _largest_run(message: Message) -> int:
    """Of the dump "number of available pages: 3@125+1@200=> 4 free of 16384 total pages"; 0: not in the text."""
    text = next((notice.words["ranges"] for notice in message.notices if "ranges" in notice.words), "")
    runs = [int(part.split("@")[0]) for part in text.replace(" ", "").split("+") if part.split("@")[0].isdecimal()]
    return max(runs, default=0)


def _try_again(message: Message, numbers: dict[str, int]) -> list[Remedy]:
    """Where the area's own map has a run that is long enough, its size is not what was missing. EBUSY is the answer
    only if some run was found, and for a single page all of the area was tried (cma_alloc() in mm/cma.c)."""
    if numbers.get("errno_number") != _BUSY or max(_largest_run(message), 1) < numbers.get("request_pages", 1 << 62):
        return []
    text = (
        "Ask again, or ask for one buffer at a time: the area has runs that are long enough, but each was being "
        "emptied for another request, or held a page that could not be moved at that moment. Some kernels from 5.11 on "
        "let several requests work on the area at once, which get into each other's way like this; a newer one helps."
    )
    short = "ask again, or for one buffer at a time: the area itself had room"
    return [Remedy("again", text, short=short)]


def _ask_early(numbers: dict[str, int], memory: dict[str, int]) -> list[Remedy]:
    """Where much more of the area was free than was asked for, its size is not what was missing either."""
    free_kb, pages = memory.get("CmaFree", 0), numbers.get("request_pages")
    if numbers.get("errno_number") != _BUSY or pages is None or free_kb < _PLENTY * pages * 4:
        return []
    text = (
        f"Ask for the large buffer first, before many small ones come to lie between: {free_kb} kB of the area were "
        "free, but not in one run that could be emptied."
    )
    return [Remedy("early", text, short="ask for the large buffer before the small ones: the area had room")]


def _remedies(numbers: dict[str, int]) -> tuple[Remedy, ...]:
    return (
        Remedy(
            "larger_cma",
            "A larger area: `cma=SIZE` on the kernel's command line, or the size of the reserved-memory node "
            "(linux,cma) in the device tree. `grep Cma /proc/meminfo` shows its size and what is free of it.",
            short="a larger area (`cma=SIZE` on the kernel's command line), or fewer buffers",
        ),
        Remedy(
            "fewer_buffers",
            "Fewer or smaller buffers: for graphics a lower resolution or fewer frame buffers; ask for them early, "
            "after the start, and keep them.",
        ),
        Remedy(
            "min_free_kbytes",
            "vm.min_free_kbytes and the watermarks: the area is apart from them. drop_caches helps where cached files "
            "fill the area, not against pages that are pinned.",
            helps=False,
        ),
    )


def _not_reserved(mb: int) -> Finding:
    return Finding(
        f"{mb} MB for CMA at boot",
        f"The kernel wanted to reserve {mb} MB for CMA when it started.",
        "No such range was free at the place that the device tree or the command line names: it overlaps something, or "
        "is larger than the memory there. All later requests to CMA fail.",
        reasons.CMA_BUSY,
        True,
        (Remedy("smaller_cma", "A smaller `cma=SIZE`, or another place for it."),),
    )
