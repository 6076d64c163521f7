"""One SQLite file: what boards sent, what the rules concluded, messages on their way.

In: model values, in batches of one transaction. Out: model values, and time lines for commands.
May touch: the database file. Nothing else imports sqlite3.
"""
