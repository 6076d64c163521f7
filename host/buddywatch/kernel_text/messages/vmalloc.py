"""vmalloc and vmap: kernel address space in one piece, filled with single pages.

Forms, mm/vmalloc.c: "allocation failed: out of vmalloc space" (to 2.6.27), "vmap allocation for size" (2.6.28),
"vmalloc: allocation failure" (3.0; with the process and the mode in the same line from 4.9), "vmalloc error:" (5.13),
"vmalloc_node_range for size" (6.10). 3.0 to 4.8 print "page allocation failure: order:0" right after the second: that
is how warn_alloc_failed() ends, and no request for a page.
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import COMM, Notice, form

FAMILY = "vmalloc"
SPACE, TOO_LARGE, PAGES, MAPPING, UNKNOWN = "address-space", "too-large", "pages", "mapping", "unknown"

_WHO = rf"(?:{COMM}: )?\b"
_SIZE = r"(?P<size_bytes>\d{1,20})"
_MODE = r"(?:, mode:(?P<mode>0x[0-9a-f]{1,16})(?:\((?P<mode_names>[A-Z_|a-z0-9]{0,400})\))?)?"
_GOT = r"(?P<got_bytes>\d{1,20})"
_ORDER = r"(?P<page_order>\d{1,2})"
FORMS = (
    form(SPACE, "vmap", rf"\bvmap allocation for size {_SIZE} failed"),
    form(SPACE, "vmalloc_node_range", rf"\bvmalloc_node_range for size {_SIZE} failed"),
    form(SPACE, "vmalloc", r"\ballocation failed: out of vmalloc space"),
    form(PAGES, "vmalloc:", rf"{_WHO}vmalloc: allocation failure, allocated {_GOT} of {_SIZE} bytes{_MODE}"),
    form(UNKNOWN, "vmalloc:", rf"{_WHO}vmalloc: allocation failure: {_SIZE} bytes{_MODE}"),
    form(TOO_LARGE, "error:", rf"{_WHO}vmalloc error: size {_SIZE}, exceeds total pages{_MODE}"),
    form(SPACE, "error:", rf"{_WHO}vmalloc error: size {_SIZE}, vm_struct allocation failed(?:\. Retrying\.)?{_MODE}"),
    form(MAPPING, "error:", rf"{_WHO}vmalloc error: size {_SIZE}, failed to map pages{_MODE}"),
    form(PAGES, "error:", rf"{_WHO}vmalloc error: size {_SIZE}, (?:page order {_ORDER}, )?failed to allocate"
         rf"[^,]{{1,60}}{_MODE}"),
)  # fmt: skip


def needs_pages(notices: list[Notice]) -> bool:
    """True if a page was lacking, false if address space was, or if it is not known."""
    return any(notice.form in (PAGES, MAPPING) for notice in notices)
