"""`buddywatch explain`: from the text that a board printed to why an allocation failed and what would help.

lines.py cleans the text, lexer.py finds what the kernel wrote in it, readings.py puts that together to failures and
states, judge.py applies the kernel's rule, reasons.py and remedies.py name the cause and the cures, report.py and
answer_json.py tell them. All pure but the reading of files, which commands/explain.py does.
"""
