"""A board with programs in its memory, as its maps tell."""

from dataclasses import replace

from boards import BOOT_ID, SEED_FREE, START, snapshot
from buddyd.sources import memory_map
from buddywatch.model.samples import Event

AT_S = 3600
PROGRAMS = [
    (1, "sh", 90, [(0x40210, 2), (0x40228, 6)]),
    (23, "buddyd", 50, [(0x40240, 13), (0x4024E, 2), (0x40260, 18)]),
    (31, "start-60k", 60000, [(0x403C0, 15)]),
    (32, "start-60k", 66000, [(0x403D0, 15)]),
    (40, "ht\x1btpd", 120000, [(0x40400, 40)]),
]


def put_map(store, programs, uptime_s=AT_S, seq=700, name="xp"):
    store.add_snapshot(name, replace(snapshot(seq, SEED_FREE), time=START + uptime_s, uptime_ms=uptime_s * 1000))
    parts = []
    writer = memory_map.MapWriter(lambda part, text: parts.append(text.decode()))
    for program in programs:
        writer.add(program)
    writer.end()
    for part, text in enumerate(parts):
        time, up = START + uptime_s + 0.02, uptime_s * 1000 + 20
        store.add_event(name, Event(BOOT_ID, seq + 1 + part, time, up, "map", part, None, None, text))
