"""Messages: their words, and the ways out.

In: what happened, gathered from alerts and store. Out: mails sent, hooks run, rows of the outbox settled.
May touch: the outbox in the store, mail servers, hook processes. message.py and what it is made of have the words;
outbox.py, smtp.py and command.py send.
"""
