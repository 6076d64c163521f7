"""What a message is made of, as it is handed to the words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from buddywatch.model.alerts import Incident, Repeat, Transition
from buddywatch.model.forecasts import Forecast
from buddywatch.model.memory_map import Rescue
from buddywatch.model.samples import Event, Gap, Snapshot
from buddywatch.model.verdicts import BoardState


@dataclass(frozen=True)
class Course:
    """The margin of a need over the last day. points: (seconds ago, least margin in pages), oldest first."""

    need: str
    points: tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class MessageFacts:
    """All facts for one message.

    transitions: what it reports, oldest first; empty in a reminder. incidents: the open ones of the board, most
    serious rule first, and the incidents of the transitions. state: the verdict on the newest snapshot, None if there
    is none. recent: the last 5 snapshots, oldest first. facts: the hello's. kernel_lines: the kernel's lines about it,
    oldest first. gaps: the lost frames that it reports. silence_commands: one line each. programs: the names of the
    needs that are the start of a program. forecasts: by need, as of the newest snapshot. reboot: the
    last safe reboot window, in words. repeats: what comes and goes. links: the URLs of its links.
    courses: of the margins of its needs. rescues: whose end lets a refused need succeed. lower_reserves: the value of
    vm.min_free_kbytes that does, as advice. own_advice: what to do first,
    by own rule. yesterday: what changed since then, a line each. link, ring: of a silent board, what its link last said
    and how long its ring holds everything.
    """

    board: str
    time: float
    transitions: tuple[Transition, ...]
    incidents: tuple[Incident, ...]
    state: BoardState | None
    recent: tuple[Snapshot, ...]
    facts: dict[str, str] = field(hash=False)
    kernel_lines: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()
    silence_commands: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    forecasts: Mapping[str, Forecast] = field(default_factory=dict, hash=False)
    reboot: str = ""
    repeats: tuple[Repeat, ...] = ()
    links: tuple[str, ...] = ()
    courses: tuple[Course, ...] = ()
    own_advice: Mapping[str, str] = field(default_factory=dict, hash=False)
    held_since: float | None = None
    rescues: tuple[Rescue, ...] = ()
    lower_reserves: tuple[str, ...] = ()
    yesterday: tuple[str, ...] = ()
    link: str = ""
    ring: str = ""
