from dataclasses import replace

import pytest
from buddywatch.model.samples import Zone
from buddywatch.protocol.layout import COLUMNS_MAX, Layout, layout_of
from hypothesis import given
from hypothesis import strategies as st

FACTS = {
    "cols": "up,proc,free,recl,slab",
    "interval_cs": "500",
    "zones": "2",
    "z0": "0/DMA/4/90/112/135/7",
    "z1": "1/Movable/2/-/-/-/-",
}
VECTOR = [123456, 77, -3, 40, 50, 90, 112, 135, 7, 8, 4, 2, 1, 6, 5]


def test_snapshot_has_the_columns_in_their_units():
    snapshot = Layout(FACTS).snapshot("0123abcd", 4, 5, VECTOR, 1.5)
    assert (snapshot.boot_id, snapshot.first_seq, snapshot.seq, snapshot.time) == ("0123abcd", 4, 5, 1.5)
    assert snapshot.uptime_ms == 1234560
    assert (snapshot.processes, snapshot.reclaimable_pages, snapshot.slab_pages) == (77, 40, 50)
    assert snapshot.zones == (Zone(0, "DMA", (8, 4, 2, 1), 90, 112, 135, 7), Zone(1, "Movable", (6, 5)))


def test_free_pages_are_those_in_blocks_and_the_difference():
    assert Layout(FACTS).snapshot("0123abcd", 1, 1, VECTOR, 0.0).free_pages == (8 + 8 + 8 + 8) + (6 + 10) - 3


ONE_ZONE = FACTS | {"zones": "1"}
ONE_VECTOR = VECTOR[:-2]


def test_an_smp_kernel_counts_pages_beside_the_blocks_of_its_only_zone():
    zone = Zone(0, "DMA", (8, 4, 2, 1), 90, 112, 135, 7)
    counted = Layout(ONE_ZONE | {"smp": "1"}).snapshot("0123abcd", 1, 1, ONE_VECTOR, 0.0)
    assert counted.zones == (replace(zone, beside_pages=-3),)
    assert counted.marked_blocks == [("DMA", [8, 4, 2, 1], 90, 112, 7, -3)]
    assert Layout(ONE_ZONE).snapshot("0123abcd", 1, 1, ONE_VECTOR, 0.0).zones == (zone,)
    assert Layout(FACTS | {"smp": "1"}).snapshot("0123abcd", 1, 1, VECTOR, 0.0).zones[0] == zone
    without = Layout(ONE_ZONE | {"smp": "1", "cols": "up"}).snapshot("0123abcd", 1, 1, [1, *ONE_VECTOR[5:]], 0.0)
    assert without.zones == (zone,)


def test_what_a_verdict_depends_on_includes_the_pages_beside_the_blocks():
    for facts, depends in ((ONE_ZONE | {"smp": "1"}, True), (ONE_ZONE, False)):
        layout = Layout(facts)
        one, other = (
            layout.snapshot("0123abcd", 1, 1, [*ONE_VECTOR[:2], beside, *ONE_VECTOR[3:]], 0.0) for beside in (-3, 4)
        )
        assert (one.blocks != other.blocks) == depends


def test_vectors_are_of_one_layout_only_if_the_same_pages_decide():
    smp, plain = Layout(ONE_ZONE | {"smp": "1"}), Layout(ONE_ZONE)
    snapshot = smp.snapshot("0123abcd", 1, 1, ONE_VECTOR, 0.0)
    assert (snapshot.is_of(smp), snapshot.is_of(plain)) == (True, False)
    kept = [layout_of(facts).beside_at for facts in (ONE_ZONE, ONE_ZONE | {"smp": "1"}, ONE_ZONE)]
    assert kept == [None, 2, None]


def test_columns_that_are_not_sent_are_unknown():
    snapshot = Layout({**FACTS, "cols": "up", "zones": "0"}).snapshot("0123abcd", 1, 1, [100], 0.0)
    assert (snapshot.processes, snapshot.free_pages, snapshot.reclaimable_pages, snapshot.slab_pages) == (None,) * 4
    assert snapshot.zones == ()


COUNTS = st.integers(0, 2**40)


def test_columns_of_a_later_agent_are_kept_and_not_used():
    facts = {**ONE_ZONE, "cols": "up,proc,load_1,file", "z0": "0/DMA/2/-/-/-/-"}
    layout = Layout(facts)
    vector = [1468, 37, 25, 468, 3, 1]
    shot = layout.snapshot("0123abcd", 1, 1, vector, 0.0)
    assert (shot.uptime_ms, shot.processes, shot.file_pages, shot.slab_pages) == (14680, 37, 468, None)
    assert shot.zones == (Zone(0, "DMA", (3, 1)),)
    assert layout.vector(shot) == vector


NAMES = st.permutations(["proc", "free", "recl", "slab", "file"])


@given(st.data(), NAMES, st.integers(0, 5), st.integers(1, 14), st.booleans())
def test_vector_gives_back_what_snapshot_was_made_of(data, names, columns, orders, marks):
    zone = f"0/Normal/{orders}/" + ("1/2/3/4" if marks else "-/-/-/-")
    facts = {"cols": ",".join(["up", *names[:columns]]), "zones": "1", "z0": zone, "interval_cs": "100"}
    layout = Layout(facts)
    vector = data.draw(st.lists(COUNTS, min_size=layout.width, max_size=layout.width))
    if "free" in layout.columns:
        vector[layout.columns.index("free")] = data.draw(st.integers(-(2**20), 2**20))
    assert layout.vector(layout.snapshot("0123abcd", 1, 1, vector, 0.0)) == vector


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"cols": None}, "without cols="),
        ({"cols": "proc,up"}, "cols="),
        ({"cols": "up,up"}, "cols="),
        ({"cols": "up,Swap"}, "cols="),
        ({"cols": "up,"}, "cols="),
        ({"cols": ",".join(["up", *(f"c{number}" for number in range(COLUMNS_MAX))])}, "cols="),
        ({"zones": "x"}, "expected a whole number"),
        ({"zones": "-1"}, "expected a whole number"),
        ({"zones": "9" * 400}, "expected a whole number"),
        ({"zones": "2000"}, "at most 1024"),
        ({"zones": "3"}, "without z2="),
        ({"interval_cs": None}, "without interval_cs="),
        ({"z0": "0/DMA"}, "NODE/NAME/ORDERS"),
        ({"z0": "0//4/-/-/-/-"}, "NODE/NAME/ORDERS"),
        ({"z0": "0/DMA/four/-/-/-/-"}, "NODE/NAME/ORDERS"),
        ({"z0": "0/DMA/0/-/-/-/-"}, "1 to 64 orders"),
        ({"z0": "0/DMA/999999999999/-/-/-/-"}, "1 to 64 orders"),
        ({"z0": "0/DMA/4/1/-/3/4"}, "all marks or none"),
        ({"z0": "-/DMA/4/1/2/3/4"}, "expected"),
    ],
    ids=str,
)
def test_facts_that_do_not_fit_are_told_in_one_line(change, expected):
    facts = {key: value for key, value in {**FACTS, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=expected) as raised:
        Layout(facts)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("vector", [VECTOR[:-1], [*VECTOR, 0], [-1, *VECTOR[1:]], [*VECTOR[:-1], -1]], ids=str)
def test_snapshot_refuses_a_vector_that_cannot_be(vector):
    with pytest.raises(ValueError, match="vector"):
        Layout(FACTS).snapshot("0123abcd", 1, 1, vector, 0.0)


def test_vector_refuses_a_snapshot_of_another_layout():
    other = Layout({**FACTS, "zones": "1"}).snapshot("0123abcd", 1, 1, VECTOR[:-2], 0.0)
    with pytest.raises(ValueError, match="13 numbers, expected 15"):
        Layout(FACTS).vector(other)


def test_snapshot_refuses_more_free_pages_than_any_machine_has():
    with pytest.raises(ValueError, match="free pages"):
        Layout({**FACTS, "z1": "1/Movable/64/-/-/-/-"}).snapshot("0123abcd", 1, 1, [*VECTOR[:13], *[1] * 64], 0.0)
