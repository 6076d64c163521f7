"""`buddywatch map`: who holds which memory, and whose end would make large blocks."""

from dataclasses import replace

import pytest
from boards import SEED_FREE, START, boot, snapshot
from mapboards import AT_S, PROGRAMS, put_map


@pytest.fixture
def mapped(store):
    store.add_boot("xp", boot(nommu="1", trim="1"))
    put_map(store, PROGRAMS)
    return store


def test_strip_programs_and_whose_end_serves(buddywatch, mapped):
    lines = buddywatch("map", "xp").lines
    assert lines[0].startswith("xp: memory at ") and lines[0].endswith("ago), up 1 h")
    assert lines[2] == "0x40000000  " + "." * 64
    assert lines[3] == "0x40200000  ..a..a..bb..bbb" + "." * 41 + "ccdd...."
    assert lines[4] == "0x40400000  eeeee" + "." * 59
    text = "\n".join(lines)
    assert "One cell is 32 kB; . is what no program has" in text and "free memory (3284 kB)" in " ".join(text.split())
    table = {line.split()[2]: line for line in lines if line[:3] in ("a  ", "b  ", "c  ", "d  ", "e  ")}
    assert table["31"].split()[:3] == ["c", "start-60k", "31"]
    assert table["31"].endswith("a block of 32 kB (+4 kB?)")
    assert table["40"].endswith("a block of 128 kB (+96 kB?)") and "ht?tpd" in table["40"]
    assert "rm FAILS. It would succeed if ht?tpd (pid 40, 160 kB at 0x40400000) ended." in " ".join(text.split())
    assert max(map(len, lines)) <= 80


def test_json_has_the_same(buddywatch, mapped):
    answer = buddywatch("map", "xp", "--json").json
    assert (answer["board"], answer["seq"], answer["is_whole"], answer["uptime_s"]) == ("xp", 700, True, 3600.02)
    assert answer["nr_free"] == [list(SEED_FREE)]
    by_pid = {program["pid"]: program for program in answer["programs"]}
    assert by_pid[31]["regions"] == [{"address": 0x403C0000, "bytes": 61440}]
    assert by_pid[31]["end_makes"]["blocks"][:5] == [1, 1, 1, 1, 0]
    assert by_pid[31]["end_makes"]["trimmed_bytes"] == 4096
    assert by_pid[40]["end_makes"]["needs"]["rm"]["verdict"] == "ok"
    assert answer["needs"]["rm"]["verdict"] == "refused" and answer["needs"]["rm"]["ends_together"] == [40]


def test_need_is_asked_for_by_name_or_bytes(buddywatch, mapped):
    answer = buddywatch("map", "xp", "--need", "rm", "--need", "600k", "--json").json
    assert list(answer["needs"]) == ["rm", "600k"]
    assert answer["needs"]["600k"]["ends_together"] == []
    out = " ".join(buddywatch("map", "xp", "--need", "600k").out.split())
    assert "600k FAILS. No end of a few programs is certain to change that" in out
    assert " ok" not in out
    result = buddywatch("map", "xp", "--need", "ls")
    assert result.code == 2
    assert result.err == "buddywatch: --need 'ls': expected bytes such as 61440, or a need of the board: rm\n"


def test_at_takes_the_map_of_then(buddywatch, mapped):
    put_map(mapped, PROGRAMS[:2], 7200, 1500)
    assert [program["pid"] for program in buddywatch("map", "xp", "--json").json["programs"]] == [1, 23]
    when = "2023-11-15T00:00:00+00:00"  # START is 22:13:20 of the day before
    assert buddywatch("map", "xp", "--at", when, "--json").json["uptime_s"] == 3600.02
    result = buddywatch("map", "xp", "--at", "2023-11-14T22:14:00+00:00")
    assert result.code == 2 and result.err.startswith("buddywatch: no map of xp before 2023-11-14 ")


def test_agent_and_first_process_are_not_to_end(buddywatch, store):
    store.add_boot("xp", boot(nommu="1"))
    put_map(store, [(1, "sh", 0, [(0x40400, 64)]), (23, "buddyd", 0, [(0x40500, 64)])])
    answer = buddywatch("map", "xp", "--json").json
    assert answer["programs"][1]["end_makes"]["needs"]["rm"]["verdict"] == "ok"
    assert answer["needs"]["rm"]["ends_together"] == []


def test_board_without_a_map_is_told_why(buddywatch, store):
    store.add_boot("xp", boot(nommu="1"))
    store.add_boot("pc", boot(nommu="0"))
    assert "no map of xp; its buddyd sends one at its start" in buddywatch("map", "xp").err
    assert "pc has an MMU" in buddywatch("map", "pc").err
    assert buddywatch("map", "none").code == 2


def test_part_that_is_missing_is_told(buddywatch, store):
    store.add_boot("xp", boot(nommu="1"))
    many = [(pid, f"program-{pid}", pid, [(0x40000 + 16 * pid, 9)]) for pid in range(2, 80)]
    put_map(store, many)
    out = buddywatch("map", "xp").out
    assert "A part of this map is missing" not in out and "\n*  " in out
    store._run("DELETE FROM events WHERE number = 1")
    assert "A part of this map is missing: there were more programs.\n" in buddywatch("map", "xp").out


def test_map_without_its_snapshot_says_what_it_can(buddywatch, store):
    store.add_boot("xp", boot(nommu="1"))
    put_map(store, PROGRAMS)
    store._run("DELETE FROM journal")
    answer = buddywatch("map", "xp", "--json").json
    assert answer["nr_free"] is None and answer["needs"]["rm"]["verdict"] is None
    assert "rm: unknown, no snapshot of that moment is stored" in " ".join(buddywatch("map", "xp").out.split())


def test_status_names_whose_end_helps_while_a_need_is_refused(buddywatch, mapped):
    (need,) = buddywatch("status", "xp", "--json").json["boards"][0]["needs"]
    assert (need["verdict"], need["ends_together"]) == ("refused", [40])
    out = " ".join(buddywatch("status", "xp").out.split())
    assert "rm would succeed if ht?tpd (pid 40, 160 kB at 0x40400000) ended (by the map of " in out
    mapped.add_snapshot("xp", replace(snapshot(720), time=START + AT_S + 100, uptime_ms=AT_S * 1000 + 100_000))
    (need,) = buddywatch("status", "xp", "--json").json["boards"][0]["needs"]
    assert (need["verdict"], need["ends_together"]) == ("ok", [])
    assert "would succeed" not in buddywatch("status", "xp").out


def test_map_of_another_boot_or_of_long_ago_is_no_help(buddywatch, mapped):
    shot = replace(snapshot(3000, SEED_FREE), time=START + AT_S + 4000, uptime_ms=AT_S * 1000 + 4_000_000)
    mapped.add_snapshot("xp", shot)
    assert "would succeed" not in buddywatch("status", "xp").out
    mapped.add_boot("xp", boot("0000b002", "reboot", START + AT_S + 200, nommu="1"))
    mapped.add_snapshot("xp", replace(shot, boot_id="0000b002", time=START + AT_S + 300))
    assert "would succeed" not in buddywatch("status", "xp").out
