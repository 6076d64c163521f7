"""One SQLite file: data of the boards, states and alerts of the rules, messages to send.

In: model values, in batches of one transaction each. Out: model values, and time lines for commands.
May touch: the database file. Nothing else imports sqlite3.
"""
