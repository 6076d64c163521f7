"""Lines that do their worst, real agents and real collectors: what the fault run is, over a few dozen seeds.

`make faults` runs 500 of them and prints the table.
"""

import faultrun
from system_parts import Command

SEEDS = 40


def test_nothing_is_lost_over_bad_lines(tmp_path_factory, agent: Command, cpython: Command) -> None:
    table = faultrun.run(tmp_path_factory.mktemp("faults"), range(SEEDS), [agent, cpython])
    assert table.wrong == []
    assert all(row.seeds and row.times for row in table.rows.values()), table.lines()
    assert all(row.hit_bytes for scenario, row in table.rows.items() if scenario in table.injected)
