"""What prevents fragmentation on a board without an MMU: each piece of advice once, with what it brings and costs.

`explain`, mails, `doctor` and docs/prevention.md say the same. MEASURED: on the emulated board, see that page. READ: it
follows from the source of the kernel or of BusyBox. GUESSED: it was not tried.
"""

from __future__ import annotations

from dataclasses import dataclass

from buddywatch.text.units import format_bytes

MEASURED, READ, GUESSED = "measured", "read in the source", "not tried"

TRIM_LINE = "echo 0 > /proc/sys/vm/nr_trim_pages"
WHO_CANNOT_WAIT = "requests that cannot wait, mainly those of network and serial drivers"
STAY_RESIDENT = (
    "A program that is started repeatedly requests its block each time. Start it once and let it sleep "
    "until there is work: then it requests the block once, just after boot."
)
USE_BUILTINS = (
    "In scripts, use the built-in commands of the shell (echo, read, test, kill) instead of programs, and avoid "
    "pipes: each part of a pipe is a process of its own."
)


@dataclass(frozen=True)
class Advice:
    """key: a fixed word. do: a sentence. line: for the boot script, as it must stand there; "" if there is none."""

    key: str
    do: str
    gain: str
    price: str
    certainty: str
    line: str = ""


TRIM = Advice(
    "nr_trim_pages",
    "Set vm.nr_trim_pages to 0 at the end of the boot script, after the programs that stay.",
    "The kernel then keeps the block of a program whole. On the emulated board starts were refused after 130 to 160 "
    "steps with 1, and in none of 600 with 0. It prevents, it does not repair: set it at boot.",
    "While it runs, a program keeps the unused end of its block: up to half of it.",
    MEASURED,
    TRIM_LINE,
)
TRIM_LATER = Advice(
    "nr_trim_pages_place",
    "Move the line that sets vm.nr_trim_pages to 0 behind the programs that stay.",
    "Programs that are started before it give the unused ends of their blocks back, once.",
    "None.",
    MEASURED,
    TRIM_LINE,
)
NOFORK_SHELL = Advice(
    "nofork_shell",
    "Build BusyBox with FEATURE_SH_NOFORK and FEATURE_PREFER_APPLETS (up to 1.18: FEATURE_SH_STANDALONE).",
    "The shell then runs some commands itself, also while no program can be started.",
    "0.1 to 0.7 kB. Such a command cannot be ended by Ctrl-C.",
    MEASURED,
)
TELNET_SESSION = Advice(
    "held_session",
    "Hold one telnet session instead of logging in often.",
    "A second session took 24 pages on 6.1, which came and went with each login. It did not delay the first refused "
    "start.",
    "None.",
    MEASURED,
)
PER_CONNECTION = Advice(
    "process_per_connection",
    "Replace servers that start a process for each connection (inetd without wait, BusyBox' httpd) by one that stays.",
    "No start for each connection.",
    "Its memory while nobody connects.",
    READ,
)
CRON = Advice(
    "cron",
    "Replace cron by a program, or a shell, that stays and sleeps (`read -t 60`).",
    "crond starts a shell for each job, and that starts the job: two blocks each time. On the emulated board starts "
    "were refused after 130 to 160 steps with a start in each, and in none of 400 where the programs stayed.",
    "Its memory between the jobs.",
    MEASURED,
)
MALLOC = Advice(
    "malloc",
    "Build uClibc with MALLOC instead of MALLOC_SIMPLE.",
    "With MALLOC_SIMPLE each malloc() is an mmap of a page or more.",
    "About 1 kB of each program.",
    READ,
)


def filled_stack(program: str, stack_bytes: int, filling_bytes: int, unused_bytes: int) -> Advice:
    """For a program whose block has an unused end; filling_bytes: the stack with which it has none."""
    return Advice(
        "filled_stack",
        f"Give {program} a stack of {filling_bytes} bytes (now {stack_bytes}): `flthdr -s {filling_bytes} {program}`.",
        f"Its block is then full, and the kernel has nothing to give back ({format_bytes(unused_bytes)} now), whatever "
        "vm.nr_trim_pages is; it is worth it for a program that is started often. On the emulated board the first "
        "start was refused after 200 to 340 steps instead of 130 to 160.",
        f"{format_bytes(unused_bytes)} for each process.",
        MEASURED,
    )


def smaller_stack(program: str, stack_bytes: int, smaller_bytes: int, half_bytes: int) -> Advice:
    return Advice(
        "smaller_stack",
        f"If {program} can do with a stack of {smaller_bytes} bytes (now {stack_bytes}): `flthdr -s {smaller_bytes} "
        f"{program}`.",
        f"A block of {format_bytes(half_bytes)} is then enough to start it.",
        "A stack that overflows damages memory silently: measure what the program needs.",
        READ,
    )


def resident(program: str, starts_per_hour: float, lost_bytes: float | None) -> Advice:
    """For a program that is started often; lost_bytes: what its runs cost of the large blocks in the time watched."""
    cost = f", and its runs cost {round(lost_bytes / 1024)} kB of the large blocks" if lost_bytes else ""
    return Advice(
        "resident",
        f"Let {program} stay and sleep until there is work, instead of starting it anew.",
        f"It was started {starts_per_hour:.0f} times an hour{cost}.",
        "Its memory between its runs.",
        MEASURED if lost_bytes else READ,
    )


def laid_out_files(program: str, left_bytes: float) -> Advice:
    """For a program whose runs leave so much in files in RAM."""
    return Advice(
        "laid_out_files",
        f"Let {program} write into a file that has its size since the boot (`1<>FILE`), instead of new ones.",
        f"Each run left {max(1, round(left_bytes / 1024))} kB in files in RAM. Such a page takes the unused end of a "
        "program's block, and keeps it. On the emulated board starts were refused after 130 to 160 steps with new "
        "files, and in none of 400 with files that were laid out at boot.",
        "Its size, from the boot on. It must be empty when `truncate` gives it its size.",
        MEASURED,
        "truncate -s 64k FILE",
    )


def script_starts(what: str) -> Advice:
    return Advice("script_starts", f"Rewrite {what}.", USE_BUILTINS, "Scripts are rewritten.", MEASURED)


def min_free_line(value_kb: int) -> str:
    return f"echo {value_kb} > /proc/sys/vm/min_free_kbytes"


def min_free(now_kb: int, formula_kb: int) -> Advice:
    """vm.min_free_kbytes is not what the kernel computes for so much memory."""
    line = min_free_line(formula_kb)
    if now_kb > formula_kb:
        gain = "Kernels before 4.4 keep a part of it free in every block size, so that requests fail sooner."
        price = f"Less is left for {WHO_CANNOT_WAIT}."
    else:
        gain = f"More is left for {WHO_CANNOT_WAIT}."
        price = "Other requests fail a little sooner."
    do = f"Set vm.min_free_kbytes to {formula_kb}, which the kernel computes for this memory (now {now_kb})."
    return Advice("min_free_kbytes", do, gain, price, READ, line)


def trimming(trim_pages: int) -> str:
    """In short, for a mail about a board on which it is on."""
    return (
        f"vm.nr_trim_pages is {trim_pages}: the kernel splits the block of every program and frees its unused end. "
        f"`{TRIM_LINE}` keeps blocks whole; programs then keep the unused end."
    )
