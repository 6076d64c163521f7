"""Messages: their words (message.py and what it is made of), and the ways out (outbox.py, smtp.py, command.py)."""
