"""The mail about a silent board, made of what the store holds."""

from boards import START, boot, config, snapshot
from buddywatch.alerts.dispatch import Dispatcher
from buddywatch.model.alerts import Route
from buddywatch.model.links import LinkHealth
from buddywatch.notify.gather import MessageMaker
from buddywatch.store.store import Store
from feeder import Feeder

URL = "telnet://10.0.0.7:2323"


def test_it_says_what_the_link_last_said_and_how_long_the_ring_lasts(tmp_path):
    settings = config(silent="critical", silent_after_s=120)
    with Store.open(tmp_path / "x.db") as store:
        board = Feeder(store, settings, "xp")
        board.play(boot(interval_cs="500", ring="32768"), snapshot(1), snapshot(2))
        store.link_state("xp", URL, False, board.time)
        store.link_health("xp", URL, LinkHealth(last_error="10.0.0.7:2323: connection refused"))
        board.wait(200)
        Dispatcher(store, settings, [Route("mail")], MessageMaker(store, settings).make).run(START + 400)
        (row,) = store.messages()
    text = " ".join(row.message.body.split())
    assert "no data for" in row.message.subject
    assert "the board is up, the agent is gone" in text and "Link connection refused for " in text
    assert "Ring if the board runs, its ring holds everything for 2 h 44 min more" in text
