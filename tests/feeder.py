"""A collector without links, for the tests of what it concludes."""

from boards import START, config
from buddywatch.alerts.evaluate import Alerting


class Feeder:
    """A collector without links: time passes as told, everything goes to one board."""

    def __init__(self, store, settings=None):
        self.store = store
        self.settings = settings or config()
        self.time = START
        self.alerting = Alerting(store, self.settings, self.time, self.time)

    def restart(self, settings=None):
        self.settings = settings or self.settings
        self.alerting = Alerting(self.store, self.settings, self.time, self.time)

    def feed(self, *items, board="xp"):
        self.alerting.feed(board, items, self.time, self.time)

    def play(self, *items):
        """Items one by one, each at its time."""
        for item in items:
            self.time = max(self.time, getattr(item, "time", self.time))
            self.feed(item)

    def wait(self, seconds):
        self.time += seconds
        self.alerting.tick(self.time, self.time)

    def changes(self, *chosen, told_only=True):
        """(rule, from, to, sequence number) of what happened, the told ones or all."""
        told = {change.id for change, _ in self.store.untold("xp")}
        return [
            (change.rule, change.from_, change.to, change.seq)
            for change in self.store.transitions("xp")
            if (change.id in told or not told_only) and (not chosen or change.rule in chosen)
        ]
