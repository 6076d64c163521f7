"""Files of other monitors: collectd's CSV, what rrdtool prints, node_exporter's text, RIPE Atlas' JSON."""

import json

import pytest
from buddywatch.model.samples import Boot, Snapshot
from buddywatch.recorded.formats import format_of
from buddywatch.recorded.pieces import Flags, Unreadable
from buddywatch.recorded.series import name_line
from hypothesis import example, given
from hypothesis import strategies as st
from recordings import items_of, of_kind, source_of

AT = 1_690_000_000
SIZES = (4, 8, 16)


def shots(items):
    return of_kind(items, Snapshot)


def free(items):
    return [shot.zones[0].nr_free for shot in shots(items)]


# --- collectd's CSV: a file for each size and day ---


def csv_files(polls=4, zone="Node0_Normal", folder="roof"):
    parts = []
    for at, kb in enumerate(SIZES):
        parts.append(name_line(f"/var/{folder}/buddyinfo-{zone}/freepages-{kb}KB-2023-07-22"))
        parts.append("epoch,value")
        parts += [f"{AT + 10 * n}.{100 + at},{kb + n}.000000" for n in range(polls)]
    return parts


def test_series_of_collectd_are_joined_by_time():
    items = items_of("\n".join([*csv_files(), *csv_files(zone="Node0_DMA")]) + "\n")
    (boot,) = of_kind(items, Boot)
    assert free(items) == [(4 + n, 8 + n, 16 + n) for n in range(4)]
    assert [zone.name for zone in shots(items)[0].zones] == ["DMA", "Normal"]
    assert boot.facts["page_bytes"] == "4096" and shots(items)[1].time == pytest.approx(AT + 10.1, abs=0.01)


def test_pages_of_64_kb_are_seen_in_the_smallest_size():
    text = "\n".join(csv_files()).replace("-4KB", "-64KB").replace("-8KB", "-128KB").replace("-16KB", "-256KB")
    assert of_kind(items_of(text + "\n"), Boot)[0].facts["page_bytes"] == "65536"


def test_reading_without_one_size_is_left_out_and_told():
    lines = csv_files()
    del lines[8]  # a value of 8 kB
    items = items_of("\n".join(lines) + "\n")
    assert len(free(items)) == 3 and "no value for 8 kB" in of_kind(items, Unreadable)[0].why


def test_csv_whose_name_says_nothing_is_told():
    items = items_of("epoch,value\n1690000000.1,5\n")
    assert "names of collectd's folders" in of_kind(items, Unreadable)[0].why


# --- rrdtool 1.7.2 ---

FETCH = (
    "                          value\n\n1690000010: 5.0000000000e+00\n1690000020: 6.4000000000e+00\n1690000030: -nan\n"
)
XPORT = """<?xml version="1.0" encoding="ISO-8859-1"?>

<xport>
  <meta>
    <start>1690000010</start>
    <end>1690000030</end>
    <step>10</step>
    <rows>3</rows>
    <columns>3</columns>
    <legend>
      <entry>Node0/Normal-4KB</entry>
      <entry>Node0/Normal-8KB</entry>
      <entry>Node0/Normal-16KB</entry>
    </legend>
  </meta>
  <data>
    <row><v>5.0000000000e+00</v><v>9.0000000000e+00</v><v>1.7000000000e+01</v></row>
    <row><v>6.4000000000e+00</v><v>1.0000000000e+01</v><v>1.8000000000e+01</v></row>
    <row><v>NaN</v><v>NaN</v><v>NaN</v></row>
  </data>
</xport>
"""
XPORT_JSON = """{ "about": "RRDtool graph JSON output",
  "meta": {
    "start": 1690000010,
    "end": 1690000030,
    "step": 10,
    "legend": [
      "Node0/Normal-4KB",
      "Node0/Normal-8KB"
          ]
     },
  "data": [
    [ 5.0000000000e+00, 9.0000000000e+00 ],
    [ 6.4000000000e+00, 1.0000000000e+01 ],
    [ null, null ]
  ]
}
"""
DUMP = """<?xml version="1.0" encoding="utf-8"?>
<!-- Round Robin Database Dump -->
<rrd>
	<rra>
		<cf>{coarse}</cf>
		<pdp_per_row>6</pdp_per_row> <!-- 60 seconds -->
		<database>
			<!-- 2023-07-22 04:26:00 UTC / 1689999960 --> <row><v>7.7000000000e+01</v></row>
		</database>
	</rra>
	<rra>
		<cf>AVERAGE</cf>
		<pdp_per_row>1</pdp_per_row> <!-- 10 seconds -->
		<database>
			<!-- 2023-07-22 04:26:40 UTC / 1690000000 --> <row><v>NaN</v></row>
			<!-- 2023-07-22 04:26:50 UTC / 1690000010 --> <row><v>{first}.0000000000e+00</v></row>
			<!-- 2023-07-22 04:27:00 UTC / 1690000020 --> <row><v>6.4000000000e+00</v></row>
		</database>
	</rra>
	<rra>
		<cf>MIN</cf>
		<pdp_per_row>1</pdp_per_row> <!-- 10 seconds -->
		<database>
			<!-- 2023-07-22 04:26:50 UTC / 1690000010 --> <row><v>1.0000000000e+00</v></row>
		</database>
	</rra>
</rrd>
"""


def named(*contents):
    sizes = zip(SIZES, contents, strict=False)
    return "".join(f"{name_line(f'/x/roof/buddyinfo-Node0_Normal/freepages-{kb}KB.rrd')}\n{text}" for kb, text in sizes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(named(FETCH, FETCH), [(5, 5), (6, 6)], id="fetch"),
        pytest.param(XPORT, [(5, 9, 17), (6, 10, 18)], id="xport"),
        pytest.param(
            XPORT.replace("<row><v>5", "<row><t>1690000010</t><v>5").replace("<row><v>6", "<row><t>1690000020</t><v>6"),
            [(5, 9, 17), (6, 10, 18)],
            id="xport -t",
        ),
        pytest.param(XPORT_JSON, [(5, 9), (6, 10)], id="xport --json"),
        pytest.param(
            named(*(DUMP.format(coarse="AVERAGE", first=first) for first in (5, 9))), [(5, 9), (6, 6)], id="dump"
        ),
    ],
)
def test_what_rrdtool_prints_is_read(text, expected):
    items = items_of(text)
    assert free(items) == expected and [shot.time - AT for shot in shots(items)] == [10, 20]


def test_rows_of_no_known_series_are_told_once():
    items = items_of(FETCH)
    assert len(of_kind(items, Unreadable)) == 1 and "Node0/Normal-4KB" in of_kind(items, Unreadable)[0].why


# --- node_exporter ---


def scrape(n, zones=("DMA", "Normal"), more=""):
    lines = [
        "# HELP node_buddyinfo_blocks Count of free blocks according to size.",
        "# TYPE node_buddyinfo_blocks gauge",
    ]
    for size in ("0", "1", "10", "2", "3", "4", "5", "6", "7", "8", "9"):
        lines += [f'node_buddyinfo_blocks{{node="0",size="{size}",zone="{zone}"}} {int(size) + n}' for zone in zones]
    lines += ["node_boot_time_seconds 1.689e+09", f"node_memory_MemFree_bytes {4096 * 10_000:e}"]
    lines += [f"node_time_seconds {1_690_000_000 + 15 * n}.5", 'node_uname_info{machine="armv7l",release="5.4.0"} 1']
    lines += [
        f'node_zoneinfo_{mark}_pages{{node="0",zone="Normal"}} {9 + at}'
        for at, mark in enumerate(("min", "low", "high"))
    ]
    lines += [f'node_zoneinfo_protection_{i}{{node="0",zone="DMA"}} {17 * i}' for i in range(3)]
    lines += [
        f'node_zoneinfo_{mark}_pages{{node="0",zone="DMA"}} {3 + at}' for at, mark in enumerate(("min", "low", "high"))
    ]
    return "\n".join(lines) + more + "\n"


def test_scrapes_are_readings_with_their_own_time_and_uptime():
    items = items_of("".join(map(scrape, range(4))))
    (boot,) = of_kind(items, Boot)
    third = shots(items)[2]
    assert len(shots(items)) == 4 and (third.time, third.uptime_ms) == (AT + 30.5, 1_000_030_500)
    assert third.zones[1].nr_free == tuple(range(2, 13)) and third.zones[1].low_pages == 10
    assert (boot.facts["kernel"], boot.facts["z0"]) == ("5.4.0", "0/DMA/11/3/4/5/17")


def test_dates_between_scrapes_count_where_the_text_has_none():
    text = "".join(f"{AT + 60 * n}\n" + scrape(n).replace("node_time_seconds", "node_x") for n in range(3))
    assert [shot.time - AT for shot in shots(items_of(text))] == [0, 60, 120]


def test_scrape_that_is_torn_is_left_out():
    text = scrape(0) + scrape(1)[:400] + "\n" + scrape(2) + scrape(3)
    items = items_of(text)
    assert len(shots(items)) == 3 and of_kind(items, Unreadable)


# --- RIPE Atlas ---


def result(n, **more):
    return {
        "id": "9001",
        "time": AT + 240 * n,
        "uptime": 500 + 240 * n,
        "buddyinfo": [n, 3, 0, 1],
        "freemem": 44,
    } | more


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"RESULT {json.dumps(result(n))}\n" for n in range(3)),
        "".join(json.dumps(result(n)) + "\n" for n in range(3)),
        json.dumps([result(n, prb_id=12) for n in range(3)]) + "\n",
        json.dumps([result(n) for n in range(3)], indent=1) + "\n",
    ],
    ids=["RESULT", "lines", "list", "indented"],
)
def test_results_of_probes_are_readings(text):
    items = items_of(text)
    assert free(items) == [(0, 3, 0, 1), (1, 3, 0, 1), (2, 3, 0, 1)]
    assert [(shot.time - AT, shot.uptime_ms) for shot in shots(items)] == [
        (240 * n, 500_000 + 240_000 * n) for n in range(3)
    ]


def test_reboot_of_a_probe_is_seen_and_a_damaged_result_told():
    lines = (
        [json.dumps(result(n)) for n in range(3)]
        + ['{"id": 9001, "buddyinfo": [1,']
        + [json.dumps(result(9, uptime=3))]
    )
    items = items_of("\n".join(lines) + "\n")
    assert [boot.cause for boot in of_kind(items, Boot)] == ["first", "reboot"] and len(of_kind(items, Unreadable)) == 1


# --- all of them ---


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("\n".join(csv_files()[1:]), "collectd CSV"),
        (FETCH, "rrdtool text"),
        (XPORT, "rrdtool text"),
        (XPORT_JSON, "rrdtool text"),
        (DUMP, "rrdtool text"),
        (scrape(0), "node_exporter text"),
        (json.dumps(result(0)), "RIPE Atlas JSON"),
    ],
)
def test_format_is_known_by_its_content(text, name):
    assert format_of(source_of(text).head).name == name


WHOLE = [
    "\n".join(csv_files()),
    named(FETCH, FETCH),
    XPORT,
    XPORT_JSON,
    scrape(0),
    json.dumps(result(1)),
    named(DUMP, DUMP),
]


@pytest.mark.parametrize(
    ("lost", "left"),
    [
        ("\t\t<pdp_per_row>1</pdp_per_row> <!-- 10 seconds -->\n\t\t<database>", 0),
        ("<cf>AVERAGE</cf>", 0),
        ("<pdp_per_row>6</pdp_per_row> <!-- 60 seconds -->", 2),
        ("\t<rra>\n\t\t<cf>{coarse}</cf>\n\t\t<pdp_per_row>6", 2),
    ],
    ids=["steps", "kind", "steps of another", "head of another"],
)
def test_rows_of_an_archive_without_its_head_are_told(lost, left):
    """Of the others the finest archive of averages is taken, as before."""
    text = DUMP.replace(lost, "", 1).format(coarse="MAX", first=5)
    items = items_of(named(text, text))
    told = [item.why for item in of_kind(items, Unreadable)]
    assert len(free(items)) == left and any("<cf> or <pdp_per_row> is missing" in why for why in told)


@given(st.sampled_from(WHOLE), st.integers(0, 2000), st.text(max_size=9), st.integers(0, 40))
@example(named(DUMP, DUMP), 136, "", 28)
def test_any_change_is_read_or_told(text, at, added, removed):
    at = min(at, len(text))
    changed = text[:at] + added + text[at + removed :]
    items_of(changed + "\nNode 0, zone DMA 1 2 3\n", Flags(interval_s=60))
