"""What the messages of other families mean: one module for each family of kernel_text.messages.

In: a failure with its notices. Out: what was asked, why it failed, what to do.
May touch: nothing.
"""
