"""Few messages however much happens: boards that share a cause, alerts that come and go, more than anybody reads."""

from dataclasses import replace
from itertools import count

import pytest
from boards import START, boot, config, refused, snapshot
from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.config.sections import Board
from buddywatch.model.alerts import Route
from buddywatch.notify.gather import MessageMaker
from buddywatch.store.store import Store
from buddywatch.text.escape import local_time
from feeder import Feeder

HOUR_S = 3600
pytestmark = pytest.mark.slow  # hours of many boards


class Room:
    """Several boards, one dispatcher, a clock that the test moves."""

    def __init__(self, store, settings, names):
        self.store, self.time = store, START
        self.settings = replace(settings, boards=tuple(map(Board, names)))
        ids = count(1)
        self.boards = {name: Feeder(store, self.settings, name, ids) for name in names}
        self.seqs = {name: count(1) for name in names}
        self.dispatcher = self.new_dispatcher()

    def new_dispatcher(self):
        return Dispatcher(self.store, self.settings, [Route("mail")], MessageMaker(self.store, self.settings).make)

    def go_on(self, seconds, step_s=5):
        """Let time pass, with rules and dispatcher looking on."""
        end = self.time + seconds
        while self.time < end:
            self.time += step_s
            for board in self.boards.values():
                board.time = self.time
                if board.rules.due_s() <= self.time:
                    board.wait(0)
            self.dispatcher.run(self.time)

    def feed(self, name, make=snapshot):
        """The board's next snapshot."""
        self.boards[name].time = self.time
        self.boards[name].feed(replace(make(next(self.seqs[name])), time=self.time))

    @property
    def mails(self):
        return [row.message for row in self.store.messages()]

    @property
    def subjects(self):
        return [mail.subject.removeprefix("[buddywatch] ") for mail in self.mails]


@pytest.fixture
def room(tmp_path):
    """A function that makes a room of boards that each sent two snapshots."""
    stores = []

    def make(how_many, **alert):
        stores.append(Store.open(tmp_path / f"{len(stores)}.db"))
        stores[-1]._run("PRAGMA synchronous = OFF")
        names = [f"roof-{number}" for number in range(1, how_many + 1)]
        made = Room(stores[-1], config(**{"batch_s": 30, "clear_samples": 6, **alert}), names)
        for name, board in made.boards.items():
            stores[-1].link_state(name, f"telnet://10.0.7.{len(name)}:{2000 + int(name[5:])}", True, START)
            board.feed(boot())
            made.feed(name)
            made.feed(name)
        return made

    yield make
    for store in stores:
        store.close()


def flap(room, name, cycles, bad, good, step_s=5):
    """Bad and good snapshots in turn; the dispatcher looks on."""
    for _ in range(cycles):
        for make in [refused] * bad + [snapshot] * good:
            room.go_on(step_s, step_s)
            room.feed(name, make)


def test_boards_behind_one_dead_switch_are_one_mail_that_says_what_they_share(room):
    desk = room(12)
    desk.go_on(HOUR_S)
    assert desk.subjects == ["CRIT 12 boards went silent at once; common to all: the network 10.0.7.0/24"]
    body = desk.mails[0].body
    assert "roof-1, roof-2" in body and "\nFirst\n  - Look first at the network 10.0.7.0/24." in body
    assert max(map(len, body.splitlines())) <= 72
    assert desk.mails[0].payload["boards"] == sorted(desk.boards)
    assert {claim["board"] for claim in desk.mails[0].payload["claims"]} == set(desk.boards)


def test_boards_that_fall_silent_one_after_the_other_are_waited_for(room):
    desk = room(4)
    for number in (1, 2, 3, 4):
        for name in list(desk.boards)[number:]:
            desk.feed(name)
        desk.go_on(10)
    desk.go_on(200)
    assert desk.subjects == ["CRIT 4 boards went silent within 20 s; common to all: the host 10.0.7.6"]


def test_reminders_of_many_boards_are_one_mail(room):
    desk = room(5, repeat_after_s=4 * HOUR_S)
    for name in list(desk.boards)[2:]:
        desk.feed(name)  # so that their silence begins later
    desk.go_on(9 * HOUR_S, 30)
    assert [subject for subject in desk.subjects[1:] if "silent" in subject] == desk.subjects[1:]
    assert len(desk.subjects) == 3
    assert desk.subjects[1].startswith("CRIT 5 boards are silent, the first for 4 h")


def test_boards_that_send_again_are_one_mail(room):
    desk = room(5)
    desk.go_on(600)
    for _ in range(7):
        for name in desk.boards:
            desk.feed(name)
        desk.go_on(5)
    desk.go_on(100)
    assert desk.subjects[1:] == ["OK 5 boards send data again"]


def test_no_more_mails_an_hour_than_allowed_and_the_rest_in_one(room):
    desk = room(30, per_hour=4, silent_after_s=10**6)
    for name in desk.boards:
        desk.feed(name, refused)
        desk.feed(name, refused)
        desk.go_on(60)
    first_hour = desk.subjects
    desk.go_on(2 * HOUR_S, 30)
    assert len(first_hour) == 4
    assert {name for mail in desk.mails for name in mail.payload["boards"]} == set(desk.boards)
    assert "This was held since " in desk.mails[-1].body and "per_hour" in desk.mails[-1].body
    assert len(desk.subjects) <= 6


def test_receivers_get_their_boards_and_severities(room):
    desk = room(3, silent_after_s=10**6)
    routes = [Route("mail"), Route("ops", ("critical",), ("roof-1", "roof-2")), Route("log", ("warning",))]
    maker = MessageMaker(desk.store, desk.settings)
    desk.dispatcher = Dispatcher(desk.store, desk.settings, routes, maker.make)
    for name in desk.boards:
        desk.feed(name, refused)
        desk.feed(name, refused)
    desk.go_on(60)
    assert {(row.channel, tuple(row.message.payload["boards"])) for row in desk.store.messages()} == {
        ("mail", ("roof-1", "roof-2", "roof-3")),
        ("ops", ("roof-1", "roof-2")),
    }


def test_an_alert_that_comes_and_goes_is_told_with_counts_and_its_end_is_not_lost(room):
    """2 bad and 6 good snapshots in turn: version 0.1 sent 90 critical mails an hour."""
    desk = room(1, silent_after_s=10**6)
    flap(desk, "roof-1", 45, 2, 6)
    in_first_hour = len(desk.mails)
    assert in_first_hour <= 5
    assert any("times in" in subject for subject in desk.subjects)
    desk.go_on(2 * HOUR_S, 30)
    last = desk.mails[-1]
    assert "rm could not be allocated" in last.subject and last.subject.endswith("; over now")
    assert len(desk.mails) == in_first_hour + 1
    assert desk.store.unreported("roof-1") == []


def test_an_alert_that_comes_and_goes_and_stays_is_told_as_lasting(room):
    desk = room(1, silent_after_s=10**6)
    flap(desk, "roof-1", 30, 2, 6)
    flap(desk, "roof-1", 1, 300, 0)
    assert desk.subjects[-1].endswith("; not over yet")


@pytest.mark.parametrize(("bad", "good", "step_s"), [(2, 30, 5), (2, 8, 60)])
def test_slower_flapping_is_damped_too(room, bad, good, step_s):
    desk = room(1, silent_after_s=10**6)
    flap(desk, "roof-1", 2 * HOUR_S // ((bad + good) * step_s), bad, good, step_s)
    assert len(desk.mails) <= 8


def test_a_restart_does_not_forget_what_was_told(room):
    desk = room(1, silent_after_s=10**6)
    flap(desk, "roof-1", 20, 2, 6)
    before = len(desk.mails)
    desk.dispatcher = desk.new_dispatcher()
    flap(desk, "roof-1", 20, 2, 6)
    assert len(desk.mails) == before


def test_another_alert_is_not_held_back_by_one_that_comes_and_goes(room):
    desk = room(1, silent_after_s=400)
    flap(desk, "roof-1", 20, 2, 6)
    before = len(desk.mails)
    desk.go_on(600)
    settled, silent = desk.subjects[before:]
    assert settled.endswith("; over now") and "no data for" in silent


def test_the_end_for_many_boards_gives_the_time_of_the_end(room):
    desk = room(3, tight="off")
    desk.go_on(HOUR_S)
    for _ in range(6):
        for name in desk.boards:
            desk.feed(name)
        desk.go_on(5)
    ended = desk.time
    desk.go_on(100)
    assert desk.subjects[1:] == ["OK 3 boards send data again"]
    assert f"send data again At {local_time(ended - 5)} Boards" in " ".join(desk.mails[1].body.split())


def begin(desk, *names):
    """These boards are refused now, long enough for a message."""
    for name in names:
        desk.feed(name, refused)
        desk.feed(name, refused)
    desk.go_on(31, 31)


def test_boards_have_messages_of_their_own_as_long_as_there_may_be_so_many(room):
    desk = room(3, silent_after_s=10**6, tight="off")
    begin(desk, "roof-1")
    begin(desk, "roof-2", "roof-3")
    assert [subject.split(":")[0] for subject in desk.subjects] == ["CRIT roof-1", "CRIT roof-2", "CRIT roof-3"]


def test_board_whose_message_cannot_be_made_costs_the_other_nothing(room):
    desk = room(4, silent_after_s=10**6, tight="off")
    begin(desk, "roof-1")
    begin(desk, "roof-2")
    make, reports = MessageMaker(desk.store, desk.settings).make, []

    def fails(occasions):
        if any(occasion.board == "roof-3" for occasion in occasions):
            raise ZeroDivisionError
        return make(occasions)

    desk.dispatcher = Dispatcher(desk.store, desk.settings, [Route("mail")], fails, reports.append)
    begin(desk, "roof-3", "roof-4")
    assert [subject.split(":")[0] for subject in desk.subjects] == ["CRIT roof-1", "CRIT roof-2", "CRIT roof-4"]
    assert reports == ["roof-3: its alerts cannot be sent: ZeroDivisionError: ; the other boards go on"]
