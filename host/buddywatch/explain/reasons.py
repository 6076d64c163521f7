"""Why the kernel grants or refuses a request: the identifiers in `explain --json`.

`reason`, one of:
    fragmented         enough is free in total, but no free block is as large as the request
    reserve            a free block is large enough, but taking it would leave too little free per block size
    too-little-memory  total free memory is too small, regardless of fragmentation
    atomic-reserve     only blocks reserved for atomic requests (4.4 and later, letter H) would be enough
    cma-reserve        the only blocks large enough belong to CMA or are isolated (letters C, I)
    too-large          the block is larger than the largest that this kernel has
    either-way         refused, whatever was in the part of a list that is not in the text; so which of the reasons
                       above it is cannot be known
    granted            by these numbers it succeeds: something else refused it, or the numbers are of another moment
    address-space      the kernel's address space for vmalloc had no hole of that size; pages are not the matter
    cma                the area for contiguous buffers of drivers (CMA) had no run of pages that it could empty
    control-group      the limit of a control group, not the machine's memory
    by-hand            somebody called the OOM killer (SysRq-F); no request failed
    low-memory-killer  Android's low memory killer, by thresholds of its own; no request failed
    other-rule         a kernel 2.4, whose rule is another
    pool               a pool or limit of its own (percpu, huge pages, DMA, swiotlb, zram, TCP), which the page
                       allocator's rule does not decide
    unknown            the text lacks facts that the answer needs

`notes`, any of:
    reclaimable        caches were so large that reclaim could have made room
    files-in-ram       so much is listed as caches, but lies in files in RAM (ramfs, tmpfs), which go only when they are
                       deleted; with `reclaimable`: the text does not say how much of it
    exceeds-memory     the block is larger than all memory that could serve the request
    oom-killer         order 3 or less and able to wait: the kernel kills a process instead of failing the request
    cannot-wait        an atomic request: it does not reclaim, and may go below the min mark
    estimated-marks    the marks are computed by the kernel's formula, not read
    borrowed-marks     the marks are from another part of the text
    borrowed-state     the failure has no dump: judged by the nearest other state of the text
    incomplete-list    a part of the list of free blocks is not in the text: margin_pages is null unless it is certain
    inferred-rule      no kernel release in the text: the rule follows from the format of the messages
"""

from __future__ import annotations

FRAGMENTED = "fragmented"
RESERVE = "reserve"
TOO_LITTLE = "too-little-memory"
ATOMIC_RESERVE = "atomic-reserve"
CMA_RESERVE = "cma-reserve"
TOO_LARGE = "too-large"
EITHER_WAY = "either-way"
GRANTED = "granted"
ADDRESS_SPACE = "address-space"
CMA_BUSY = "cma"
CONTROL_GROUP = "control-group"
BY_HAND = "by-hand"
LOW_MEMORY_KILLER = "low-memory-killer"
OTHER_RULE = "other-rule"
POOL = "pool"
UNKNOWN = "unknown"

RECLAIMABLE = "reclaimable"
FILES_IN_RAM = "files-in-ram"
EXCEEDS_MEMORY = "exceeds-memory"
OOM_KILLER = "oom-killer"
CANNOT_WAIT = "cannot-wait"
ESTIMATED_MARKS = "estimated-marks"
BORROWED_MARKS = "borrowed-marks"
BORROWED_STATE = "borrowed-state"
INCOMPLETE_LIST = "incomplete-list"
INFERRED_RULE = "inferred-rule"
