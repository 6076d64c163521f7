"""A board's history with all kinds of rows, for the tests of the commands that show it."""

from dataclasses import replace
from datetime import datetime

from boards import BOOT_ID, START, boot, kernel_event, refused, snapshot
from buddywatch.model.samples import BEFORE_CONTACT, OVERWRITTEN, REBOOT, Gap

SECOND = "0000b002"
SECOND_START = START + 1000


def second(shot):
    """A snapshot of the boot after."""
    return replace(shot, boot_id=SECOND, time=shot.time - START + SECOND_START)


def gap(first, last, reason=OVERWRITTEN, boot_id=BOOT_ID, time=START + 500):
    return Gap(boot_id, first, last, reason, time)


def tell_story(store):
    """Two boots: snapshots 3, 4, 10, 11 with lost ones between, an event, and a reboot that took 13 and 14."""
    store.add_boot("xp", boot())
    store.add_boot("xp", boot(SECOND, "reboot", SECOND_START))
    for shot in (snapshot(3), snapshot(4), refused(10), refused(11), second(snapshot(1)), second(snapshot(2))):
        store.add_snapshot("xp", shot)
    for lost in (gap(1, 2, BEFORE_CONTACT), gap(5, 9), gap(13, 14, REBOOT, time=SECOND_START)):
        store.add_gap("xp", lost)
    store.add_event("xp", kernel_event(12, 58_000))


def local(time):
    return datetime.fromtimestamp(time).strftime("%Y-%m-%d %H:%M:%S")
