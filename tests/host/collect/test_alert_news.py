"""News about alerts: a need that is refused is not reported as tight too."""

from boards import BOOT_ID
from buddywatch.collect.alert_news import alert_news
from buddywatch.model.alerts import Transition


def change(rule, from_, to, seq, need="rm"):
    return Transition(seq, 1, "xp", rule, need, from_, to, "critical", 0.0, seq, BOOT_ID, 0, "rm would fail", False)


def news(*changes, **phases):
    return alert_news(changes, lambda rule, need: phases.get(rule, "ok"))


REFUSED, TIGHT = change("refused", "pending", "firing", 2), change("tight", "pending", "firing", 2)
REFUSED_OVER, TIGHT_OVER = change("refused", "clearing", "ok", 9), change("tight", "clearing", "ok", 9)
BEGUN, OVER = "xp: critical, refused: rm would fail", "xp: over, refused: rm"


def test_what_begins_with_refused_is_no_news():
    assert news(REFUSED, TIGHT, refused="firing", tight="firing") == [BEGUN]


def test_also_if_it_is_over_before_it_is_reported():
    assert news(REFUSED, TIGHT, REFUSED_OVER, TIGHT_OVER) == [BEGUN, OVER]


def test_what_ends_while_refused_is_open_is_no_news():
    assert news(change("tight", "clearing", "ok", 7), refused="clearing") == []


def test_what_outlasts_refused_is_told_and_so_is_its_end():
    assert news(REFUSED, TIGHT, REFUSED_OVER, tight="firing") == [BEGUN, f"{OVER}, still tight"]
    assert news(TIGHT_OVER) == ["xp: over, tight: rm"]


def test_tight_alone_and_tight_of_another_need_are_news():
    assert news(TIGHT, tight="firing") == ["xp: critical, tight: rm would fail"]
    assert news(change("tight", "pending", "firing", 3), REFUSED, refused="firing") == [
        "xp: critical, tight: rm would fail",
        BEGUN,
    ]
    other = change("tight", "pending", "firing", 2, need="sh")
    assert len(alert_news([REFUSED, other], lambda rule, need: "firing" if need == "rm" else "ok")) == 2
