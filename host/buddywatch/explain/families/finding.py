"""What a message of another family says about a failure."""

from __future__ import annotations

from dataclasses import dataclass

from buddywatch.explain.remedy import Remedy


@dataclass(frozen=True, slots=True)
class Finding:
    """label, amount: what happened and what was requested, for a headline; asked, cause: sentences; reason: one of
    explain/reasons.py; killer: who ended the programs that were killed; held: what held the memory, where no state is
    in the text.

    cause "": the kernel's rule for pages explains the failure, and `asked` stands before that.
    contiguous: whether the request needs contiguous pages; None: the message does not say.
    """

    amount: str
    asked: str
    cause: str
    reason: str
    contiguous: bool | None
    remedies: tuple[Remedy, ...] = ()
    label: str = "Failed"
    killer: str = "the OOM killer"
    held: str = ""
    in_container: bool = False  # the limit of a control group may be what was reached

    @property
    def decides(self) -> bool:
        """True if this explains the failure, and the kernel's rule for pages does not."""
        return bool(self.cause)
