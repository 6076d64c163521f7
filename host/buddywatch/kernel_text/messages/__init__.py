"""Messages about memory that mm/page_alloc.c does not print: one family of messages, one module.

In: the cleaned text. Out: notices, each with the numbers and names of one message.
May touch: nothing. The families of explain say what each notice means.
"""
