"""The collector: one loop over all links, the boards in memory, the console server, the presenters.

In: items from links. Out: one batch a second for the store, requests to boards, news for the user.
May touch: links, store, alerts; it never waits for any of them.
"""
