"""`buddywatch explain`: why an allocation failed and what would help.

In: failures, states and kernel facts from kernel_text. Out: verdicts, reasons, remedies, as text or JSON.
May touch: nothing; commands/explain.py reads the files.

request.py makes requests, judge.py applies the kernel's rule, reasons.py and remedies.py name causes and cures,
story.py, report.py and answer_json.py print them.
"""
