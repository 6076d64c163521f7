"""The kernel's rule for granting a block of pages: pure functions, no I/O.

Source: zone_watermark_ok() / __zone_watermark_ok() in mm/page_alloc.c. A request of order n succeeds only if enough
pages would be left. How much is enough differs between versions:

  old   2.6.30 to 2.6.37 and 3.3 to 4.3. For every order o from 0 to n, the pages in free blocks of order o or larger
        must be at least 2^n + (mark >> o). So even the only free 64 kB block can be unusable: after it is taken,
        mark >> 4 pages must remain in blocks of its size or larger.
  off2  2.6.38 to 3.2: the same with 2 pages more (free_pages -= (1 << order) + 1 instead of - 1).
  new   4.4 and later: 2^n + mark pages in total, and one free block of order n or larger.
  el6   RHEL 6 (2.6.32-*.el6): as off2 for all pages together, then per order with a mark lowered by min, halved
        only above every fourth of pageblock_order.
  oldS  Android's 3.x with /proc/sys/vm/min_free_order_shift = S: as old, the mark shifted by S per order.

The mark is `low` on the first try and `min` on the last, after waking kswapd and trying reclaim.
nr_free is the list of free-block counts of one zone by order, as in /proc/buddyinfo.
beside: pages that the kernel counts as free beside those in blocks, negative if it counts fewer. All pages together are
its counter NR_FREE_PAGES, and on SMP kernels each CPU holds back a few pages of changes to it (mm/vmstat.c). Only `new`
looks at the blocks themselves for the block. Else 0.
"""

OK, TIGHT, REFUSED = "ok", "tight", "refused"
COSTLY_ORDER = 3  # PAGE_ALLOC_COSTLY_ORDER, include/linux/mmzone.h: up to it the OOM killer acts instead of a failure
# Pages that an exec takes before its large block: stack, arguments, first text page. Measured on 6.1 no-MMU: all 11
# execs that failed although their block was `tight` had a margin of 1 to 6 pages.
EXEC_PAGES = 6
PAGEBLOCK_ORDER = 9  # only for el6, which exists for MMU machines with 2 MB huge pages
RULES = ("old", "off2", "new", "el6")
KERNEL_ZONES = ("DMA", "DMA32", "Normal")  # zones that can serve a GFP_KERNEL request


def rule_for(release, order_shift=None):
    """The name of the rule of a kernel release such as "2.6.30-uc0" (str); None if it is unknown.

    order_shift: the value of /proc/sys/vm/min_free_order_shift if that file exists, else None.
    """
    numbers = version(release)
    if numbers is None:
        return None
    if order_shift is not None and order_shift != 1:
        return "old%d" % order_shift
    if ".el6" in release:
        return "el6"
    if numbers >= (4, 4):
        return "new"
    if (2, 6, 38) <= numbers < (3, 3):
        return "off2"
    return "old"


def version(release):
    """The numbers of a kernel release, (2, 6, 30) for "2.6.30-uc0"; None if it has fewer than two."""
    numbers = []
    for part in (release or "").split("-")[0].split("."):
        digits = ""
        for char in part:
            if not "0" <= char <= "9":
                break
            digits += char
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers) if len(numbers) >= 2 else None


def order_for(size_bytes, page_bytes):
    """The order of the block that size_bytes need (get_order() in the kernel)."""
    pages, order = (size_bytes + page_bytes - 1) // page_bytes, 0
    while (1 << order) < pages:
        order += 1
    return order


def free_pages(nr_free):
    """Pages in all free blocks of a zone."""
    return pages_from(nr_free, 0)


def pages_from(nr_free, order):
    """Pages in free blocks of at least `order`."""
    pages = 0
    for o in range(order, len(nr_free)):
        pages += nr_free[o] << o
    return pages


def trace(nr_free, order, mark, reserve, rule, min_pages=None, beside=0):
    """The tests of the rule, in the kernel's order: a list of (order, pages free, pages required); all must pass.

    mark, reserve: pages (low or min; lowmem_reserve). min_pages: the zone's min, which el6 subtracts from its mark.
    An entry means: blocks of this order or larger have this many free pages, and must have that many.
    """
    block = 1 << order
    extra = 2 if rule in ("off2", "el6") else 0
    held = free_pages(nr_free) + beside
    tests = [(0, held, block + mark + reserve + extra)]
    if rule == "new":
        if order:
            tests.append((order, pages_from(nr_free, order), block))
    else:
        shift = int(rule[3:]) if rule[:3] == "old" and rule[3:] else 1
        if rule == "el6" and order:
            mark -= mark if min_pages is None else min_pages
        for o in range(min(order, len(nr_free))):
            if rule != "el6" or o < PAGEBLOCK_ORDER >> 2:
                mark >>= shift
            held -= nr_free[o] << o
            tests.append((o + 1, held, block + mark + extra))
    return tests


def margin_pages(nr_free, order, mark, reserve, rule, min_pages=None, beside=0):
    """The smallest margin of the rule's tests, in pages; negative if pages are missing."""
    return min([held - demanded for _, held, demanded in trace(nr_free, order, mark, reserve, rule, min_pages, beside)])


def largest_order(nr_free, mark, reserve, rule, min_pages=None, beside=0):
    """The largest order that succeeds; -1 if not even a page does."""
    largest = -1
    for order in range(len(nr_free)):
        if margin_pages(nr_free, order, mark, reserve, rule, min_pages, beside) < 0:
            break  # the rule is monotone: larger orders fail as well
        largest = order
    return largest


def take_pages(nr_free, count):
    """nr_free (a new list) after the buddy allocator has taken `count` single pages: from the smallest block first."""
    left = list(nr_free)
    for _ in range(count):
        order = 0
        while order < len(left) and not left[order]:
            order += 1
        if order == len(left):
            break
        left[order] -= 1
        for o in range(order):
            left[o] += 1
    return left


def judge(zones, order, rule, taken_pages=0):
    """(verdict, margin_pages) of a request of `order`, in the zone with the best result.

    zones: list of (nr_free, min_pages, low_pages, reserve_pages, beside), those that can serve the request.
    taken_pages: single pages taken before (EXEC_PAGES for a program). margin_pages: at the min mark. (None, None)
    without zones.
    """
    best = None
    for nr_free, min_pages, low_pages, reserve, beside in zones:
        if taken_pages:
            nr_free = take_pages(nr_free, taken_pages)
        margin = margin_pages(nr_free, order, min_pages, reserve, rule, min_pages, beside)
        if margin < 0:
            rank = 0
        else:
            rank = 2 if margin_pages(nr_free, order, low_pages, reserve, rule, min_pages, beside) >= 0 else 1
        if best is None or (rank, margin) > best:
            best = (rank, margin)
    if best is None:
        return None, None
    return (REFUSED, TIGHT, OK)[best[0]], best[1]


def rule_of(system):
    """The name of a kernel's rule, None if it is unknown. system: sources.system.System."""
    return rule_for(system.release, system.min_free_order_shift)


def kernel_zones(sampler):
    """The zones with known marks that may serve the kernel, as judge() takes them. sampler: sample.Sampler."""
    zones = []
    for zone in sampler.zones:
        marks = zone.marks(sampler.vector)
        if marks and zone.name in KERNEL_ZONES:
            zones.append((zone.nr_free(sampler.vector), marks[0], marks[1], marks[3], beside(sampler)))
    return zones


def beside(sampler):
    """Pages that an SMP kernel counts beside those in blocks, see above; with several zones not known: 0."""
    if sampler.system.is_smp and len(sampler.zones) == 1 and "free" in sampler.columns:
        return sampler.vector[sampler.columns.index("free")]
    return 0


def serviceable_order(zones, rule):
    """The largest order that succeeds in some zone at its min mark, -1 for none. zones: as for judge()."""
    return _best_order(zones, rule, 1)


def serviceable_low_order(zones, rule):
    """The same at the low mark: what succeeds at once, without reclaim."""
    return _best_order(zones, rule, 2)


def _best_order(zones, rule, mark_at):
    largest = -1
    for zone in zones:
        largest = max(largest, largest_order(zone[0], zone[mark_at], zone[3], rule, zone[1], zone[4]))
    return largest
