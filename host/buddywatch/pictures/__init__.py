"""Pictures of plain values: as characters for a terminal or a mail, and as SVG and PNG.

In: numbers and times. Out: lines of text, SVG, or the bytes of an image.
May touch: nothing. The rooms that show them read the values and choose the form.
"""
