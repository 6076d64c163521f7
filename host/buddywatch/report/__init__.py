"""What happened to boards over a span of time: read from the store, and made into a page.

In: boards and a span. Out: pictures of plain values, and HTML.
May touch: the store, to read it.
"""
