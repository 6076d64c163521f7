"""Which alerts are reported and when: none twice, none forgotten, no storm of messages."""

import re
from dataclasses import replace

import pytest
from boards import BOOT_ID, FACTS, KERNEL_LINE, RM, START, boot, config, kernel_event, refused, snapshot
from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.config.sections import Board, Mail, Need
from buddywatch.model.alerts import Route, Silence
from buddywatch.model.samples import OVERWRITTEN, Gap
from buddywatch.notify.gather import MessageMaker
from buddywatch.notify.message import compose
from buddywatch.store.store import Store, StoreFull
from buddywatch.verdict.judge import board_state
from feeder import Feeder


class Desk(Feeder):
    """A feeder whose alerts go to two channels."""

    def __init__(self, store, settings=None, board="xp"):
        super().__init__(store, settings, board)
        self.facts = []
        self.dispatcher = self.dispatch(["mail", "hook:led"], self._compose)

    def dispatch(self, channels, in_words=compose):
        return Dispatcher(
            self.store,
            self.settings,
            list(map(Route, channels)),
            MessageMaker(self.store, self.settings, in_words).make,
        )

    def _compose(self, facts):
        self.facts.append(facts)
        return compose(facts)

    def wait(self, seconds):
        super().wait(seconds)
        return self.dispatcher.run(self.time)

    def mails(self):
        return [row.message for row in self.store.messages() if row.channel == "mail"]


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "a.db") as opened:
        yield opened


def later(kind, *seqs, boot_id="0000b002"):
    """Snapshots or events of the boot after a reboot."""
    return [replace(kind(seq), boot_id=boot_id) for seq in seqs]


@pytest.fixture
def desk(store):
    mail = Mail(to=("you@example.org",), sender="board-watch@example.org", server="mail.example.org")
    made = Desk(store, replace(config(batch_s=30, silent_after_s=10**6), mail=mail))
    made.feed(boot())
    made.play(snapshot(1))
    return made


def test_message_is_made_once_for_every_channel(desk):
    desk.play(refused(2), refused(3))
    assert [desk.wait(seconds) for seconds in (0, 29, 1, 1, 600)] == [0, 0, 1, 0, 0]
    rows = desk.store.messages()
    assert [row.channel for row in rows] == ["mail", "hook:led"]
    assert rows[0].message == rows[1].message
    assert rows[0].message.subject == "[buddywatch] CRIT xp: rm can no longer be allocated (needs a 64 kB block)"


def test_message_is_made_of_all_that_is_known(desk):
    desk.play(*map(refused, range(2, 9)), kernel_event(9, 45000))
    desk.feed(Gap(BOOT_ID, 10, 12, OVERWRITTEN, desk.time))
    desk.wait(30)
    facts = desk.facts[0]
    assert [(one.rule, one.to) for one in facts.transitions] == [
        ("refused", "firing"), ("kernel_failure", "firing"), ("lost", "noted"),
    ]  # fmt: skip
    assert [one.rule for one in facts.incidents] == ["kernel_failure", "refused", "lost"]
    assert facts.state == board_state(refused(8), FACTS, [RM])
    assert [shot.seq for shot in facts.recent] == [4, 5, 6, 7, 8]
    assert facts.facts == FACTS
    assert [event.text for event in facts.kernel_lines] == [KERNEL_LINE]
    assert [(gap.first, gap.last) for gap in facts.gaps] == [(10, 12)]
    assert facts.silence_commands[0] == "buddywatch silence xp kernel_failure --for 2h"


def test_kernel_lines_are_the_newest_and_the_one_told(desk):
    desk.play(*(kernel_event(seq, seq * 1000, text=f"line {seq}") for seq in range(2, 12)))
    desk.wait(30)
    assert [event.seq for event in desk.facts[0].kernel_lines] == [2, 7, 8, 9, 10, 11]


def test_later_messages_answer_to_the_first_one(desk):
    desk.play(refused(2), refused(3))
    desk.wait(30)
    desk.play(*map(snapshot, range(4, 7)))
    desk.wait(300)
    first, recovery = desk.mails()
    assert first.references == ()
    assert recovery.references == (first.message_id,)
    assert recovery.message_id != first.message_id
    assert recovery.subject.startswith("[buddywatch] OK xp: ")


def test_message_about_several_incidents_answers_to_each_first_one(desk):
    desk.play(refused(2), refused(3))
    desk.wait(30)
    desk.play(kernel_event(4, 20000, text=KERNEL_LINE.replace("(rm)", "(sh)")))
    desk.wait(300)
    first, second = desk.mails()
    assert second.references == ()
    desk.play(boot("0000b002", "reboot"))
    desk.play(*(replace(snapshot(seq, boot_id="0000b002"), time=desk.time + seq) for seq in range(1, 4)))
    desk.wait(300)
    assert set(desk.mails()[2].references) == {first.message_id, second.message_id}


def test_reminder_says_the_need_and_not_the_kernels_word_on_it(desk):
    desk.play(refused(2), refused(3))
    desk.wait(30)
    desk.play(kernel_event(4, 20000))
    desk.wait(60)
    desk.wait(5 * 3600)
    reminder = "[buddywatch] CRIT xp: rm can no longer be allocated (needs a 64 kB block), for 5 h 2 min now"
    assert [mail.subject for mail in desk.mails()[2:]] == [reminder]


def test_message_lists_what_was_reported_and_is_still_open_but_nothing_muted(desk):
    desk.settings = replace(desk.settings, needs=(RM, Need("big", 200_000)))
    desk.restart()
    desk.play(refused(2), refused(3))
    desk.wait(30)
    desk.store.add_silence(Silence(0, "xp", None, "big", desk.time - 1, desk.time + 9999, "x"))
    desk.play(replace(kernel_event(4, 20000, text=KERNEL_LINE.replace("(rm)", "(sh)")), comm="sh"))
    desk.wait(300)
    shown = {(one.rule, one.need) for one in desk.facts[-1].incidents}
    assert ("refused", "rm") in shown and ("kernel_failure", None) in shown
    assert not any(need == "big" for _, need in shown)
    assert not any(rule == "tight" for rule, _ in shown)


def test_message_ids_are_of_the_senders_domain(desk):
    desk.play(refused(2), refused(3))
    desk.wait(30)
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.org>", desk.mails()[0].message_id)


def test_reminder_comes_after_repeat_after_and_threads(store):
    desk = Desk(store, config(batch_s=30, repeat_after_s=3600, silent_after_s=10**6))
    desk.play(boot(), snapshot(1), refused(2), refused(3))
    assert [desk.wait(seconds) for seconds in (30, 3569, 31, 3589, 61)] == [1, 0, 1, 0, 1]
    assert desk.facts[1].transitions == ()
    assert {mail.references for mail in desk.mails()[1:]} == {(desk.mails()[0].message_id,)}


def test_reminders_become_rarer_down_to_one_a_day(store):
    desk = Desk(store, config(batch_s=30, repeat_after_s=4 * 3600, silent_after_s=10**6))
    desk.play(boot(), snapshot(1), refused(2), refused(3))
    assert [hour for hour in range(1, 100) if desk.wait(3600)] == [1, 5, 10, 20, 40, 64, 88]


def test_warning_is_reminded_of_once_a_day(store):
    desk = Desk(store, config(batch_s=30, repeat_after_s=3600, silent_after_s=10**6, refused="off"))
    desk.play(boot(), snapshot(1), refused(2), refused(3))
    assert [hour for hour in range(60) if desk.wait(3600)] == [0, 24, 48]


def test_kernels_own_word_on_a_refused_need_is_a_message_once_in_four_hours(desk):
    desk.play(refused(2), refused(3))
    desk.wait(30)
    desk.play(kernel_event(4, 20000))
    desk.wait(300)
    assert "the kernel refused 61440 bytes to rm" in desk.mails()[1].subject
    desk.play(boot("0000b002", "reboot"), *later(snapshot, 1, 2, 3))
    desk.wait(300)
    desk.play(*later(refused, 4, 5))
    desk.wait(300)
    before = len(desk.mails())
    desk.play(kernel_event(6, 20000, "0000b002"))
    desk.wait(300)
    assert len(desk.mails()) == before
    desk.play(replace(kernel_event(7, 21000, "0000b002", KERNEL_LINE.replace("(rm)", "(sh)")), comm="sh"))
    desk.wait(300)
    assert "to sh" in desk.mails()[before].subject
    desk.play(boot("0000b003", "reboot"), *later(snapshot, 1, 2, 3, boot_id="0000b003"))
    desk.wait(300)
    assert "no more failed allocations" not in desk.mails()[-1].body


def test_restart_neither_repeats_nor_forgets(desk):
    desk.play(refused(2), refused(3))
    desk.wait(10)
    again = desk.dispatch(["mail"])
    assert [again.run(desk.time + seconds) for seconds in (0, 20, 21)] == [0, 1, 0]


def test_message_that_can_not_be_made_is_not_taken_for_told(desk):
    desk.play(refused(2), refused(3))

    def fails(facts):
        raise StoreFull("disk full")

    with pytest.raises(StoreFull):
        desk.dispatch(["mail"], fails).run(desk.time + 30)
    assert desk.wait(30) == 1
    assert [one.to for one in desk.facts[0].transitions] == ["firing"]


def test_a_board_whose_message_cannot_be_made_holds_up_no_other_and_is_told_once(desk):
    desk.play(refused(2), refused(3))
    Feeder(desk.store, desk.settings, "other").feed(boot(), kernel_event(1, 5000))
    reports, failing = [], {"xp"}

    def in_words(facts):
        if facts.board in failing:
            raise OverflowError("year is\nout of range")
        return compose(facts)

    maker = MessageMaker(desk.store, desk.settings, in_words)
    dispatcher = Dispatcher(desk.store, desk.settings, [Route("mail")], maker.make, reports.append)
    assert [dispatcher.run(desk.time + seconds) for seconds in (30, 31, 89, 90)] == [1, 0, 0, 0]
    assert [mail.subject.split()[2] for mail in desk.mails()] == ["other:"]
    assert reports == ["xp: its alerts cannot be sent: OverflowError: year is out of range; the other boards go on"]
    failing.clear()
    assert dispatcher.run(desk.time + 149) == 0
    assert dispatcher.run(desk.time + 150) == 1
    assert "rm can no longer be allocated" in desk.mails()[1].subject
    failing.add("xp")
    dispatcher.run(desk.time + 150 + desk.settings.alert.repeat_after_s)
    assert reports[1:] == reports[:1], "a new failure is reported"


def test_silence_tells_nobody_until_it_ends(desk):
    desk.store.add_silence(Silence(0, "xp", "refused", None, START, START + 3600, "being replaced"))
    desk.play(refused(2), refused(3))
    assert desk.wait(60) == 0
    desk.time = START + 3590
    assert desk.wait(0) == 0
    assert desk.wait(30) == 1
    assert (
        desk.mails()[0].subject
        == "[buddywatch] CRIT xp: rm can no longer be allocated (needs a 64 kB block), for 1 h now"
    )


def test_silence_over_all_of_it_leaves_no_word(desk):
    desk.store.add_silence(Silence(0, "xp", None, None, START, START + 3600, "being replaced"))
    desk.play(refused(2), refused(3), *map(snapshot, range(4, 8)))
    desk.wait(60)
    desk.time = START + 7200
    assert desk.wait(0) == 0
    assert desk.store.unreported("xp") == []


def test_late_news_is_one_message_and_says_so(desk):
    desk.time = START + 3000
    desk.feed(*map(refused, range(2, 10)), *map(snapshot, range(10, 20)))
    desk.wait(30)
    assert len(desk.mails()) == 1
    assert [(one.to, one.late) for one in desk.facts[0].transitions] == [("firing", True), ("ok", True)]


def test_board_that_was_never_heard_can_be_told_of(store):
    desk = Desk(store, replace(config(batch_s=0), boards=(Board("ghost"),)), "ghost")
    assert desk.wait(120) == 1
    assert (desk.facts[0].state, desk.facts[0].recent, desk.facts[0].facts) == (None, (), {})
    assert desk.mails()[0].subject.startswith("[buddywatch] CRIT ghost: ")


def test_board_with_a_name_of_shell_signs_gets_a_command_that_is_safe_to_paste(store):
    desk = Desk(store, config(Need("rm", 61440), batch_s=0), "x;rm -r")
    desk.feed(boot(), kernel_event(1, 5000))
    desk.wait(0)
    assert desk.facts[0].silence_commands == ("buddywatch silence 'x;rm -r' kernel_failure --for 2h",)


def test_without_a_channel_nothing_piles_up(desk):
    desk.play(kernel_event(2, 10000))
    assert desk.dispatch([]).run(desk.time + 30) == 1
    assert desk.store.unreported("xp") == [] and desk.store.messages() == []
    assert desk.store.incidents("xp")[0].last_reported == desk.time + 30
