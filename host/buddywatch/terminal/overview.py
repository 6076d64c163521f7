"""The state of a board at one moment, read from the store: for `status`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from buddyd import watermark

from buddywatch.config.sections import Config, Need, Window
from buddywatch.model.alerts import Incident, rule_rank, without_covered
from buddywatch.model.forecasts import Forecast
from buddywatch.model.links import LinkState
from buddywatch.model.memory_map import Rescue
from buddywatch.model.samples import Boot, Losses, Snapshot
from buddywatch.model.verdicts import BoardState
from buddywatch.store.read import LINK_DOWN, LINK_NEVER, LINK_UP
from buddywatch.store.store import Store
from buddywatch.text.escape import counted, one_line, rough_duration
from buddywatch.text.forecast_words import current_forecasts, reboot_words
from buddywatch.text.gap_words import gap_words
from buddywatch.text.state_words import reserve_of
from buddywatch.verdict.judge import board_state

_RATE_SNAPSHOTS = 12  # the rate of new processes is measured over this many
_EVENTS_SHOWN = 3
_EVENTS_S = 3600
_RESERVE_EVENTS = 16  # the news of the agent's own that are looked at


@dataclass(frozen=True)
class Overview:
    """One board. boot: the newest, None before the first hello. snapshot: the newest of any boot. state: that snapshot
    judged, None unless it is of the newest boot. alerts: (open incident, muted or not), most serious rule first.
    forecasts: by need, as of that snapshot. windows: when it may be rebooted. rescues: whose end lets a refused need
    succeed. reserve: (bytes, still held) of each block that the agent keeps.
    """

    name: str
    links: tuple[LinkState, ...]
    boot: Boot | None
    snapshot: Snapshot | None
    state: BoardState | None
    age_s: float | None
    processes_per_s: float | None
    losses: Losses
    alerts: tuple[tuple[Incident, bool], ...]
    forecasts: Mapping[str, Forecast]
    windows: tuple[Window, ...]
    rescues: tuple[Rescue, ...] = ()
    reserve: tuple[tuple[int, bool], ...] = ()

    @property
    def link(self) -> str:
        """LINK_UP, LINK_DOWN or LINK_NEVER."""
        if not self.links:
            return LINK_NEVER
        return LINK_UP if any(link.up for link in self.links) else LINK_DOWN

    def reboot_words(self, now: float) -> str:
        """The last safe reboot window; "" if there is nothing to say."""
        snapshot = self.current_snapshot
        return "" if snapshot is None else reboot_words(self.windows, self.forecasts, snapshot.time, now)

    @property
    def current_snapshot(self) -> Snapshot | None:
        """The snapshot to which `state` belongs."""
        return self.snapshot if self.state is not None else None


def board_names(store: Store, config: Config) -> list[str]:
    """Boards with stored data and boards in the configuration, sorted."""
    return sorted({*store.boards(), *(board.name for board in config.boards)})


def overview(store: Store, config: Config, name: str, now: float) -> Overview:
    recent, boot = store.recent(name, _RATE_SNAPSHOTS), store.latest_boot(name)
    snapshot = recent[-1] if recent else None
    state = judged(snapshot, boot, config, name)
    needs = config.needs_of(config.name_of(name, boot.facts if boot else {}))
    return Overview(
        name=name,
        links=tuple(store.links(name)),
        boot=boot,
        snapshot=snapshot,
        state=state,
        age_s=_age_s(store, name, snapshot, now),
        processes_per_s=_processes_per_s(recent),
        losses=store.losses(name),
        alerts=_alerts(store, name, now),
        forecasts=current_forecasts(store.forecasts(name), snapshot if state else None),
        windows=config.windows_of(config.name_of(name, boot.facts if boot else {})),
        rescues=_rescues(store, name, snapshot, state, needs),
        reserve=reserve(store, name, boot),
    )


def reserve(store: Store, name: str, boot: Boot | None) -> tuple[tuple[int, bool], ...]:
    """(bytes, still held) of each block that the agent keeps, by the newest that it said."""
    if boot is None or "reserve" not in boot.facts:
        return ()
    events = store.newest_events(name, _RESERVE_EVENTS, kinds=("source",))
    return tuple(reserve_of(boot.facts, [event for event in events if event.boot_id == boot.boot_id]))


def alert_words(incident: Incident, silenced: bool, now: float) -> str:
    """ "critical, refused for 5 min: rm: a request of 61440 contiguous bytes would fail, ..." """
    return f"{_alert_head(incident, silenced, now)}: {one_line(incident.text)}"


def _alert_head(incident: Incident, silenced: bool, now: float) -> str:
    quiet = ", muted" if silenced else ""
    return f"{incident.severity}, {incident.rule} for {rough_duration(now - incident.opened)}{quiet}"


def lost_words(board: Overview) -> str:
    """ "lost 15 frames, last 130..144 (15 frames): ..."; "" where nothing was lost."""
    newest = board.losses.newest
    return "" if newest is None else f"lost {counted(board.losses.frames, 'frame')}, last {gap_words(newest)}"


def _age_s(store: Store, name: str, snapshot: Snapshot | None, now: float) -> float | None:
    """How old the newest snapshot is; None: there is none, or this machine's clock was ahead when it came."""
    if snapshot is None:
        return None
    heard_s = store.heard_ago_s(name)
    if heard_s is not None:
        return heard_s
    return now - snapshot.time if now >= snapshot.time else None


def judged(snapshot: Snapshot | None, boot: Boot | None, config: Config, name: str) -> BoardState | None:
    """A snapshot's verdict, by the settings of its board; None if there is nothing to judge."""
    if snapshot is None or boot is None or snapshot.boot_id != boot.boot_id:
        return None  # snapshots of an earlier boot say nothing about this one
    named = config.name_of(name, boot.facts)
    said = config.board(named)
    return board_state(snapshot, boot.facts, config.needs_of(named), said.rule, said.page_bytes)


def _rescues(
    store: Store, name: str, snapshot: Snapshot | None, state: BoardState | None, needs: Sequence[Need]
) -> tuple[Rescue, ...]:
    """What reads maps is loaded only while a need is refused."""
    if snapshot is None or state is None or all(need.verdict != watermark.REFUSED for need in state.needs):
        return ()
    from buddywatch.store.memory_maps import rescues_now

    return rescues_now(store, name, snapshot, state, needs)


def _processes_per_s(recent: Sequence[Snapshot]) -> float | None:
    same_boot = [snapshot for snapshot in recent if snapshot.boot_id == recent[-1].boot_id]
    if len(same_boot) < 2:
        return None
    first, last = same_boot[0], same_boot[-1]
    if first.processes is None or last.processes is None or last.uptime_ms <= first.uptime_ms:
        return None
    return (last.processes - first.processes) * 1000 / (last.uptime_ms - first.uptime_ms)


def _alerts(store: Store, name: str, now: float) -> tuple[tuple[Incident, bool], ...]:
    incidents = sorted(
        without_covered(store.incidents(name, open_only=True)), key=lambda incident: rule_rank(incident.rule)
    )
    return tuple((incident, store.silenced(name, incident.rule, incident.need, now)) for incident in incidents)
