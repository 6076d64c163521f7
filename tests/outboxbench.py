"""An outbox with a worker on it, for the tests of both."""

from buddywatch.collect.supervision import Supervised
from buddywatch.config.sections import Collector, Config
from buddywatch.model.alerts import Message
from buddywatch.notify.channels import channels_of
from buddywatch.notify.outbox import OutboxWorker
from buddywatch.store.store import Store
from waiting import DEADLINE_S

START = 1763808903.0
DAY_S = 86400
MESSAGE = Message("[buddywatch] CRIT xp-07: refused", "refused\n", {"schema": 1, "text": "refused\n"}, "<1@test>")


class Bench:
    """A store with a worker on it, and a clock that the test moves."""

    def __init__(self, folder, busy_s=10.0, **settings):
        self.path = folder / "outbox.db"
        self.now = START
        self.reports = []
        self.store = Store.open(self.path)
        channels = channels_of(Config(Collector(self.path), **settings))
        self.worker = OutboxWorker(self.path, channels, lambda: self.now, self.reports.append, busy_s)
        self.thread = Supervised("mail", self.worker, self.path, self.reports.append)
        self.channels = list(channels)

    def start(self):
        self.thread.start()

    def stop(self, grace_s=DEADLINE_S):
        self.thread.stop(grace_s)

    def damage(self, row_id, **columns):
        """Damage a row as a bad disk, or another program, may do."""
        for column, value in columns.items():
            self.store._run(f"UPDATE outbox SET {column} = {value} WHERE id = ?", (row_id,))

    def add(self, *channels, message=MESSAGE):
        self.store.add_message(channels or self.channels, "xp-07", message, self.now)

    def run(self, after_s=0.0):
        self.now += after_s
        return self.worker.run_once(self.now)

    def rows(self):
        return self.store.messages()

    def close(self):
        self.worker.close()
        self.store.close()


def states(bench):
    return [(row.channel, row.state, row.attempts) for row in bench.rows()]
