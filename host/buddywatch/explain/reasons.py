"""Why the kernel answers a request as it does: the identifiers that stand in `explain --json`.

`reason`, one of:
    fragmented         enough is free in all, but no free block is as large as the request
    reserve            a free block is large enough, but what the rule wants to stay free per block size is not there
    too-little-memory  the pages that are free in all are too few, whatever their pieces
    atomic-reserve     it would pass if what the kernel set aside for atomic requests (4.4 and later, letter H) counted
    cma-reserve        the only blocks large enough belong to CMA or are isolated (letters C, I)
    too-large          the block is larger than the largest that this kernel has
    granted            by the numbers in the text the rule grants it: something else refused it, or at another moment
    unknown            the text does not hold what is needed for an answer

`notes`, any of:
    reclaimable        so much was in caches that reclaim could in principle have made room
    oom-killer         order 3 or less and able to wait: the OOM killer acts, the request itself does not fail
    cannot-wait        an atomic request: no reclaim is tried for it, and the kernel lets it below the min mark
    estimated-marks    the marks are the kernel's own formula, not read
    borrowed-marks     the marks were read in another part of the text
    borrowed-state     no dump came with the failure: judged in the nearest other state of the text
    incomplete-list    the list of free blocks does not come to its own sum: a part of it is missing
    inferred-rule      no kernel release in the text: the rule follows from the format of what it printed
"""

from __future__ import annotations

FRAGMENTED = "fragmented"
RESERVE = "reserve"
TOO_LITTLE = "too-little-memory"
ATOMIC_RESERVE = "atomic-reserve"
CMA_RESERVE = "cma-reserve"
TOO_LARGE = "too-large"
GRANTED = "granted"
UNKNOWN = "unknown"

RECLAIMABLE = "reclaimable"
OOM_KILLER = "oom-killer"
CANNOT_WAIT = "cannot-wait"
ESTIMATED_MARKS = "estimated-marks"
BORROWED_MARKS = "borrowed-marks"
BORROWED_STATE = "borrowed-state"
INCOMPLETE_LIST = "incomplete-list"
INFERRED_RULE = "inferred-rule"
