"""A fleet as the live view, `status` and `report` show it: boards that fail, will fail, are silent, or are well."""

import random
import time
from dataclasses import replace

from boards import boot, config, kernel_event, snapshot, zone
from buddywatch.config.sections import Need
from buddywatch.model.links import LinkHealth
from buddywatch.model.samples import OVERWRITTEN, Gap
from feeder import Feeder

HOUR_S = 3600
DAYS = 7
NEEDS = (Need("rm", 61440), Need("httpd", 200_000))
FAILING, FALLING, LEVEL, SILENT, REBOOTED = "failing", "falling", "level", "silent", "rebooted"


def settings():
    return config(*NEEDS, tight="warning", hold_samples=1)


def blocks(kind, part, rng):
    """Free blocks of a board when this part of its time has passed: large ones become small ones."""
    left = {FAILING: 1 - 1.2 * part, FALLING: 1 - 0.8 * part, REBOOTED: 1 - 0.5 * part}.get(kind, 0.9)
    large, medium = max(0, round(6 * left)), max(0, round(14 * left)) + (rng.random() < 0.2)
    crumbs = 40 + int(700 * (1 - max(0.0, left))) + rng.randrange(9)
    return crumbs, 30 + rng.randrange(4), 12, 8, medium, 4 if kind == LEVEL else medium // 3, large, large // 4, 0, 0, 0


def tell(store, name, kind, now, days=DAYS, number=0):
    """A week of a board, polled every hour, as the rules judge it; returns its Feeder."""
    rng = random.Random(name)
    polls = days * 24
    started = now - polls * HOUR_S - 120
    boot_id = f"{0xB0000 + number:08x}"
    facts = {"interval_cs": str(HOUR_S * 100), "ring": "32768", "machine": "m68k", "nommu": "1", "name": name}
    feeder = Feeder(store, settings(), name)
    items = [boot(boot_id, started=started, **facts)]
    for poll in range(1, polls + 1):
        nr_free = blocks(kind, poll / polls, rng)
        free = sum(count << order for order, count in enumerate(nr_free))
        shot = replace(
            snapshot(poll, nr_free, boot_id), time=started + poll * HOUR_S, uptime_ms=poll * HOUR_S * 1000,
            zones=(zone(nr_free, (70, 87, 104)),), free_pages=free,
        )  # fmt: skip
        items.append(shot)
    feeder.time = now
    feeder.play(*items)
    feeder.rules.end()
    feeder.save()
    url = f"telnet://{name}:2323"
    store.link_state(name, url, kind != SILENT, now - (840 if kind == SILENT else 5 * HOUR_S))
    if kind == SILENT:
        store.link_health(name, url, LinkHealth(last_error="connection refused"))
    return feeder


def build(store, count=50, now=None):
    """A fleet of `count` boards; their names do not say how they are. Returns the time that is now."""
    now = time.time() if now is None else now
    kinds = {7: FAILING, 3: FAILING, 11: FALLING, 31: SILENT}
    for number in range(1, count + 1):
        kind = kinds.get(number, LEVEL)
        tell(store, f"shop-{number:02}", kind, now, DAYS if kind != LEVEL or number <= 5 else 1, number)
    store.add_event("shop-07", replace(kernel_event(400, 100, f"{0xB0000 + 7:08x}"), time=now - 800))
    store.add_gap("shop-07", Gap(f"{0xB0000 + 7:08x}", 410, 424, OVERWRITTEN, now - 900))
    return now
