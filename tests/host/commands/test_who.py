"""`buddywatch who`: which programs run how often, and what their runs cost."""

import time
from dataclasses import replace

import docs_pages
import pytest
from boards import BOOT_ID, boot, kernel_event, snapshot, zone
from buddyd.sources import memory_map
from buddyd.sources.memory_map import put_difference
from buddyd.wire import put_number
from buddywatch.model.samples import Event

JSON_PAGE = docs_pages.DOCS / "reference" / "json.md"
BEFORE_S = 3600
POLLS = 600  # of 5 s: 50 minutes
PERIOD_S, RUN_S = 60, 20
RESIDENT = (23, "buddyd", 50, [(0x40240, 13)])


def text_of(programs, ended=(), uptime_s=0):
    parts = []
    writer = memory_map.MapWriter(lambda part, text: parts.append(text.decode()))
    behind, before = bytearray(), 0
    for program in programs:
        writer.add(program)
    for pid, at_s in ended:
        put_difference(behind, pid - before)
        put_number(behind, uptime_s - at_s)
        before = pid
    writer.end(behind)
    (text,) = parts
    return text


@pytest.fixture
def watched(store):
    """A job of 15 pages each minute, for 20 s, which tears its block; half of the board's other starts are not seen."""
    start = time.time() - BEFORE_S
    store.add_boot("xp", boot(nommu="1", trim="1", started=start))
    seq = 0

    def event(uptime_s, kind, text):
        nonlocal seq
        seq += 1
        store.add_event("xp", Event(BOOT_ID, seq, start + uptime_s, round(uptime_s * 1000), kind, 0, None, None, text))

    event(4, "map", text_of([RESIDENT]))
    for number in range(POLLS):
        uptime_s = 3 + 5 * number
        seq += 1
        run, since = divmod(uptime_s, PERIOD_S)
        room = 60 - run - (since < RUN_S)  # blocks of 64 kB
        shot = replace(snapshot(seq), time=start + uptime_s, uptime_ms=uptime_s * 1000, processes=100 + 2 * run)
        store.add_snapshot("xp", replace(shot, zones=(zone((5, 0, 0, 2, room, 0, 0, 0, 0, 0, 0)),)))
        if since >= RUN_S and since < RUN_S + 5 and run:
            job = (200 + run, "lo\x1bgger", 6000 * run, [(0x40400 + 16 * run, 15)])
            event(uptime_s, "born", text_of([job], [(200 + run, uptime_s)], uptime_s))
    store.add_event("xp", replace(kernel_event(seq + 1, 100_000), time=start + 100))
    return store


def test_table_has_who_runs_how_often_and_what_it_costs(buddywatch, watched):
    result = buddywatch("who", "xp")
    assert (result.code, result.err) == (0, "")
    rows = {line.split()[0]: line.split() for line in result.lines if line[:2] in ("lo", "bu", "rm")}
    assert rows["lo?gger"][:-4] == ["lo?gger", "58.9", "1", "min", "60", "kB", "23", "s", "0", "0", "-"]
    assert rows["lo?gger"][-4:-2] == ["64", "kB"]
    assert rows["rm"][-4:] == ["1", "-", "-", "-"]
    assert rows["buddyd"][:2] == ["buddyd", "-"]
    text = " ".join(result.out.split())
    assert "in free blocks of 64 kB or more, which rm needs" in text
    assert "Not seen: 49 starts, 58.9 an hour, every 1 min: refused, or over before buddyd looked. Each cost" in text
    assert "What went and did not come back:" in text
    assert max(map(len, result.lines)) <= 78


def test_json_has_the_same_in_bytes(buddywatch, watched):
    answer = buddywatch("who", "xp", "--json").json
    first = answer["programs"][0]
    assert (first["name"], first["starts"], first["period_s"], first["bytes"]) == ("lo?gger", 49, 60, 61440)
    assert first["lost_bytes_per_run"] == pytest.approx(65536, abs=1000)
    assert first["lost_bytes"] == pytest.approx(49 * 65536, abs=49_000)
    assert answer["need"] == {"name": "rm", "block_bytes": 65536}
    assert answer["unseen"]["starts"] == 49 and answer["processes_created"] == 98
    assert {one["name"]: one["refusals"] for one in answer["programs"]} == {"lo?gger": 0, "rm": 1, "buddyd": 0}
    assert answer["lasting_losses"][0]["near"] == []
    keys = {key for row in docs_pages.rows(docs_pages.section(JSON_PAGE, "who")) for key in docs_pages.code(row[0])}
    assert keys == {*answer, *answer["unseen"], *first, *answer["lasting_losses"][0]} - {"board", "boot_id"}


def test_need_and_time_can_be_chosen(buddywatch, watched):
    answer = buddywatch("who", "xp", "--need", "200k", "--since", "30m", "--json").json
    assert answer["need"] == {"name": "200k", "block_bytes": 262144}
    assert answer["programs"][0]["lost_bytes"] == 0
    assert 1100 < answer["watched_s"] <= 1200
    assert buddywatch("who", "xp", "--need", "ls").code == 2
    assert "no snapshot of xp since " in buddywatch("who", "xp", "--since", "2m").err


def test_board_without_maps_is_told_so(buddywatch, store):
    start = time.time() - BEFORE_S
    store.add_boot("pc", boot(nommu="0", started=start))
    for number in range(1, 20):
        shot = replace(snapshot(number), time=start + 5 * number, processes=100 + number)
        store.add_snapshot("pc", shot)
    result = buddywatch("who", "pc")
    text = " ".join(result.out.split())
    assert result.code == 0 and "which programs run is not known" in text and "Not seen: 18 starts" in text
    assert buddywatch("who", "none").code == 2


def test_board_that_does_not_count_processes_is_told_so(buddywatch, store):
    start = time.time() - BEFORE_S
    store.add_boot("xp", boot(nommu="1", cols="up,free", started=start))
    for number in range(1, 4):
        shot = replace(snapshot(number), time=start + 5 * number, processes=None, reclaimable_pages=None)
        store.add_snapshot("xp", replace(shot, slab_pages=None))
    assert "does not count processes" in " ".join(buddywatch("who", "xp").out.split())


def test_a_report_says_who_was_started_how_often(buddywatch, watched, tmp_path):
    page = tmp_path / "a.html"
    assert buddywatch("report", "xp", "--html", str(page), "--since", "2h").code == 0
    text = page.read_text()
    table = text.partition("<h3>Who was started how often</h3>")[2].partition("</pre>")[0]
    assert "STARTS/H" in table and "lo?gger     58.9 1 min 60 kB" in table
    assert "; up " in text.partition("<h2>xp")[2]
