"""Parts of a page allocator's message that stand apart from its first words.

warn_alloc() of 4.10 and later prints the message in pieces (mm/page_alloc.c), and lines of other CPUs may come in
between: the mode, the name, and the nodes that may serve the request (nodemask, a memory policy's).
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import form

FAMILY = "page"
MODE, NAMELESS, NODES = "mode", "nameless", "nodes"

_MODE = r"mode:(?P<mode>0x[0-9a-f]{1,16})(?:\((?P<mode_names>[A-Z_|a-z0-9]{0,400})\))?"
FORMS = (
    form(MODE, "mode:", rf"^\W{{0,3}}{_MODE}"),
    form(NAMELESS, "page allocation failure", r"(?:^(?P<process>[^\s:][^\n]{0,14}?):\s{0,3}\n(?:[^\n]{0,160}\n){0,3}?)?"
         rf"^page allocation failure[.:] order:(?P<order>\d{{1,2}})(?:, {_MODE})?", lines_before=4),
    form(NODES, "nodemask=", r"\bnodemask=(?P<nodes>\d{1,4}(?:[,-]\d{1,4}){0,40})(?=,cpuset|[\s,]|$)"),
)  # fmt: skip


def node_numbers(text: str) -> frozenset[int]:
    """{0, 2, 3} of "0,2-3"."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found |= set(range(int(first), min(int(last or first), int(first) + 1024) + 1))
    return frozenset(found)
