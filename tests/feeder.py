"""A collector without links, for the tests of the rules."""

from itertools import count

from boards import START, config
from buddywatch.alerts.evaluate import BoardRules
from buddywatch.model.batch import Batch


class Feeder:
    """A collector without links: the test sets the time, all items go to one board, and to the store at once."""

    def __init__(self, store, settings=None, board="xp", ids=None):
        """ids: of incidents, shared by all boards of a store."""
        self.store = store
        self.board = board
        self.settings = settings or config()
        self.time = START
        self.ids = ids
        self.restart()

    def restart(self, settings=None):
        self.settings = settings or self.settings
        ids = self.ids or count(self.store.next_incident_id())
        history = self.store.rules_history(self.board)
        self.rules = BoardRules(self.board, self.settings, history, lambda: next(ids), self.time, self.time)

    def feed(self, *items):
        self.rules.take(items, self.time, self.time)
        self.save()

    def save(self):
        """Write the waiting rows to the store; if that fails, they stay waiting."""
        batch = Batch()
        batch.of(self.board).extend(self.rules.rows)
        self.store.write(batch)
        self.rules.take_rows()

    def play(self, *items):
        """Items one by one, each at its time."""
        for item in items:
            self.time = max(self.time, getattr(item, "time", self.time))
            self.feed(item)

    def wait(self, seconds):
        self.time += seconds
        self.rules.tick(self.time, self.time)
        self.save()

    def settle(self):
        """The recording ends."""
        self.rules.settle(self.time)
        self.save()

    def changes(self, *chosen, reported_only=True):
        """(rule, from, to, sequence number) of the transitions, all or only those that need a message."""
        told = {change.id for change, _ in self.store.unreported(self.board)}
        return [
            (change.rule, change.from_, change.to, change.seq)
            for change in self.store.transitions(self.board)
            if (change.id in told or not reported_only) and (not chosen or change.rule in chosen)
        ]
