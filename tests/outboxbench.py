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

    def __init__(self, folder, busy_s=10.0, hold_s=0.0, **settings):
        self.path = folder / "outbox.db"
        self.now = START
        self.reports = []
        self.store = Store.open(self.path)
        channels = channels_of(Config(Collector(self.path), **settings))
        self.workers = [
            OutboxWorker(self.path, name, channel, others, lambda: self.now, self.reports.append, busy_s, hold_s)
            for name, channel in channels.items()
            for others in [sorted(channels.keys() - {name})]
        ]
        self.threads = [Supervised("mail", worker, self.path, self.reports.append) for worker in self.workers]
        self.channels = list(channels)

    def start(self):
        for thread in self.threads:
            thread.start()

    def wake(self):
        for worker in self.workers:
            worker.wake()

    def stop(self, grace_s=DEADLINE_S):
        for thread in self.threads:
            thread.stop(grace_s)

    def damage(self, row_id, **columns):
        """Damage a row as a bad disk, or another program, may do."""
        for column, value in columns.items():
            self.store._run(f"UPDATE outbox SET {column} = {value} WHERE id = ?", (row_id,))

    def add(self, *channels, message=MESSAGE):
        self.store.add_message(channels or self.channels, "xp-07", message, self.now)

    def run(self, after_s=0.0):
        self.now += after_s
        return sum(worker.run_once(self.now) for worker in self.workers)

    def pause_s(self, channel):
        """How long the channel waits before it tries again."""
        return max(0.0, self.store.channel(channel).next_try - self.now)

    def rows(self, channel=None):
        return [row for row in self.store.messages() if channel in (None, row.channel)]

    def close(self):
        for worker in self.workers:
            worker.close()
        self.store.close()


def states(bench):
    return [(row.channel, row.state, row.attempts) for row in bench.rows()]
