"""Why frames are lost, in words: the same ones in alerts, mails, `status`, `history` and the live view."""

from __future__ import annotations

from buddywatch.model.samples import BEFORE_CONTACT, DAMAGED, NOT_HELD, OVERWRITTEN, REBOOT, UNDECODABLE, Gap
from buddywatch.text.escape import counted, one_line

_REASONS = {
    OVERWRITTEN: "the board's ring was full before they were fetched",
    REBOOT: "the board or its agent restarted before they were fetched",
    UNDECODABLE: "they cannot be decoded: an earlier frame is missing, or their numbers are impossible",
    NOT_HELD: "they were not polled, and no agent on the board keeps them",
    DAMAGED: "they were stored, but the database was damaged there",
    BEFORE_CONTACT: "from before the first contact, not counted as lost",
}


def gap_reason(gap: Gap) -> str:
    return _REASONS.get(gap.reason, one_line(gap.reason))


def gap_words(gap: Gap) -> str:
    """ "130..144 (15 frames): ..." with the reason."""
    return f"{gap.first}..{gap.last} ({counted(gap.last - gap.first + 1, 'frame')}): {gap_reason(gap)}"
