"""The program loaders' own messages: fs/binfmt_flat.c, fs/binfmt_elf_fdpic.c, and mm/nommu.c's about its records.

binfmt_flat prints a positive errno to 4.4, and "binfmt_flat: " with a negative one from 4.5 on.
"""

from __future__ import annotations

from buddywatch.kernel_text.messages.notice import form

FAMILY = "load"
NO_TEXT, NO_RAM, NO_READ, TOO_LARGE, NO_LIBRARY, INTERPRETER = (
    "text", "ram", "read", "too-large", "library", "interpreter",
)  # fmt: skip

_ERRNO = r", errno -?(?P<errno_number>\d{1,4})"
FORMS = (
    form(NO_TEXT, "Unable", rf"\bUnable to mmap (?P<part>process text){_ERRNO}"),
    form(NO_RAM, "Unable", rf"\bUnable to allocate RAM for (?P<part>process text/data|process data){_ERRNO}"),
    form(NO_READ, "Unable", rf"\bUnable to read (?P<part>code\+data\+bss|data\+bss){_ERRNO}"),
    form(NO_LIBRARY, "load", r"\bBINFMT_FLAT: failed to load library (?P<library_number>\d{1,3})"),
    form(NO_LIBRARY, "load", r"\bbinfmt_flat: failed to load library (?P<library_number>\d{1,3})"),
    form(INTERPRETER, "interpreter", r"\bUnable to load interpreter\b"),
)
