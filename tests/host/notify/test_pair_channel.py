"""One of two collectors sends what the other one does not report, and nothing else."""

import pytest
from buddywatch.config.sections import Receiver
from buddywatch.notify.base import Deadline, Delivery, Parcel
from buddywatch.notify.channels import LocalChannel
from buddywatch.notify.pair import PairChannel
from mailing import MESSAGE
from waiting import DEADLINE_S


@pytest.mark.parametrize("is_left", [True, False])
def test_what_is_left_to_the_other_collector_is_not_sent_and_reported(tmp_path, is_left):
    asked, lines = [], []
    file = LocalChannel(Receiver("log", file=tmp_path / "alerts.jsonl", timeout_s=7))
    channel = PairChannel(file, lambda parcel: asked.append(parcel) or is_left, 20, lines.append)
    with Deadline(DEADLINE_S) as deadline:
        assert channel.send(Parcel(MESSAGE, 5.0), deadline) == Delivery()
    assert channel.timeout_s == 27 and asked == [Parcel(MESSAGE, 5.0)]
    assert (tmp_path / "alerts.jsonl").exists() != is_left
    assert bool(lines) == is_left
