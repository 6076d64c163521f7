"""The alert drill: what goes wrong with alerts, played in simulated time, and what was sent against what should be.

    python tests/alertdrill.py

Rules, planning, outbox, mail server (smtp_server.py), hooks and database are the real ones; only the clock is not.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[:0] = [str(TOP / name) for name in ("agent", "host", "tests")]

from alertstage import STEP_S, Stage  # noqa: E402
from boards import refused, snapshot  # noqa: E402
from buddywatch.config.sections import Hook  # noqa: E402
from buddywatch.store.store import StoreError  # noqa: E402

HOUR_S, DAY_S = 3600, 86_400
REFUSED = "CRIT {}: rm can no longer be allocated"
SILENT = "CRIT {}: no data for 2 min"


@dataclass(frozen=True)
class Result:
    scene: str
    expected: str
    sent: list[str]
    is_right: bool


Scene = Callable[[Path, ExitStack], Result]


def server_down(folder: Path, stack: ExitStack) -> Result:
    """Five boards fail within six hours, one after the other; nothing can be sent."""
    names = [f"roof-{number}" for number in range(1, 6)]
    stage = Stage(folder, names, stack, alert={"silent_after_s": 10**8, "repeat_after_s": 0})
    stage.server.stop()
    for name, wait_h in zip(names, (1, 1, 2, 1, 1), strict=True):
        stage.send(name, refused)
        stage.send(name, refused)
        stage.go_on(wait_h * HOUR_S, 30)
    stage.server.start()
    stage.go_on(HOUR_S, 30)
    first, *rest = stage.mails
    merged = stage.server.mails[0].message.get_body(("plain",)).get_content()
    right = first.startswith("LATE: 3 messages") and all(f"{name}: rm" in merged for name in names[:3])
    right = right and [mail[: len(REFUSED) + 4] for mail in rest] == [
        REFUSED.format(name)[: len(REFUSED) + 4] for name in names[3:]
    ]
    return Result(
        "mail server down for 6 h", "1 mail with the 3 that are late, then 2, oldest first", stage.mails, right
    )


_KILLED = """
import sys
sys.path[:] = {path!r}
from pathlib import Path
from buddywatch.config.sections import Hook
from buddywatch.notify.channels import HookChannel
from buddywatch.notify.outbox import OutboxWorker
hook = Hook("pager", {command!r})
OutboxWorker(Path({db!r}), "hook:pager", HookChannel(hook), clock=lambda: {now}).run_once({now})
"""


def killed(folder: Path, stack: ExitStack, when: str) -> Result:
    """SIGKILL by the very hook that the collector runs, before or after it took the message; or before it is run."""
    script, got = folder / "hook.py", folder / "got"
    deliver = f"open({str(got)!r}, 'a').write('x')"
    kill = f"os.kill(os.getppid(), {int(signal.SIGKILL)})"
    body = {"before": [kill], "after": [deliver, kill], "unsent": [deliver]}[when]
    script.write_text("import os, sys\nsys.stdin.read()\n" + "\n".join(body) + "\n")
    good = folder / "good.py"
    good.write_text(f"import sys\nsys.stdin.read()\n{deliver}\n")
    hook = Hook("pager", (sys.executable, "-S", str(good)))
    stage = Stage(folder, ["roof"], stack, alert={"silent_after_s": 10**8}, hooks=(hook,))
    stage.settings = replace(stage.settings, mail=None)
    stage.start_collector()
    stage.workers.clear()
    stage.send("roof", refused)
    stage.send("roof", refused)
    stage.go_on(60)
    if when != "unsent":
        command = (sys.executable, "-S", str(script))
        source = _KILLED.format(path=sys.path, command=command, db=str(stage.path), now=stage.time)
        subprocess.run([sys.executable, "-c", source], check=False)
    stage.start_collector()
    stage.go_on(2 * HOUR_S, 30)
    times = len(got.read_text()) if got.exists() else 0
    states = {row.state for row in stage.store.messages()}
    expected = 2 if when == "after" else 1
    words = {
        "unsent": "before a message is claimed",
        "before": "while it is sent",
        "after": "after it, before it is noted",
    }
    told = "sent, and sent again: twice is better than never" if when == "after" else "sent once"
    return Result(
        f"collector killed {words[when]}", told, ["hook ran"] * times, times == expected and states == {"sent"}
    )


def link_down(folder: Path, stack: ExitStack) -> Result:
    """The link breaks while a need is refused, for an hour; then data comes again, all good."""
    stage = Stage(folder, ["roof"], stack)
    for _ in range(12):
        stage.send("roof", refused)
        stage.go_on(STEP_S)
    stage.go_on(HOUR_S)
    stage.go_on(1200, sends=lambda: stage.send("roof"))
    begins = [REFUSED.format("roof"), SILENT.format("roof"), "OK roof: resolved after 1 h"]
    right = len(stage.mails) in (3, 4) and all(a.startswith(b[:30]) for a, b in zip(stage.mails, begins, strict=False))
    right = right and any("rm can be allocated again" in mail or "(+1 more)" in mail for mail in stage.mails[2:])
    return Result("link down for 1 h during an alert", "refused, silent, and both ends", stage.mails, right)


def flapping(folder: Path, stack: ExitStack) -> Result:
    """2 bad and 6 good polls in turn for half an hour."""
    stage = Stage(folder, ["roof"], stack, alert={"silent_after_s": 10**8})
    turn = count()
    stage.go_on(1800, 5, lambda: stage.send("roof", refused if next(turn) % 8 < 2 else snapshot))
    stage.go_on(2 * HOUR_S, 30, lambda: stage.send("roof"))
    ends = [mail for mail in stage.mails if "times in" in mail and "; over now" in mail]
    right = len(stage.mails) <= 6 and bool(ends)
    return Result(
        "a need that comes and goes for 30 min", "at most 6 mails, with counts, and its end", stage.mails, right
    )


def many_silent(folder: Path, stack: ExitStack) -> Result:
    stage = Stage(folder, [f"b{number}" for number in range(200)], stack)
    stage.go_on(1800)
    return Result(
        "200 boards silent at once", "1 mail", stage.mails, stage.mails == ["CRIT 200 boards went silent at once"]
    )


def clock_set(folder: Path, stack: ExitStack, step_s: float) -> Result:
    """The clock of the machine is set while an alert is open and a mail waits for a dead server."""
    stage = Stage(folder, ["roof"], stack, alert={"repeat_after_s": 4 * HOUR_S})
    for _ in range(12):
        stage.send("roof", refused)
        stage.go_on(STEP_S)
    stage.server.stop()
    stage.go_on(300, 5, lambda: stage.send("roof"))
    stage.time += step_s
    stage.server.start()
    stage.go_on(2 * HOUR_S, 30, lambda: stage.send("roof"))
    ends = [mail for mail in stage.mails if mail.startswith(("OK roof: resolved", "LATE"))]
    right = stage.mails[0].startswith(REFUSED.format("roof")) and len(ends) == 1 and len(stage.mails) <= 3
    how = f"{'forward' if step_s > 0 else 'back'} by {abs(step_s) // 3600:.0f} h"
    return Result(f"clock set {how} while a mail waits", "the alert once, its end once", stage.mails, right)


def greylisting(folder: Path, stack: ExitStack) -> Result:
    stage = Stage(folder, ["roof"], stack, alert={"silent_after_s": 10**8}, to=("you@b", "later@b"))
    stage.server.refuse["later@b"] = "450 4.2.0 greylisted"
    stage.send("roof", refused)
    stage.send("roof", refused)
    stage.go_on(240)
    stage.server.refuse.clear()
    stage.go_on(HOUR_S, 30)
    got = [recipient for mail in stage.server.mails for recipient in mail.recipients]
    return Result("greylisting of one of two recipients", "each of them once", got, got == ["you@b", "later@b"])


def hook_hangs(folder: Path, stack: ExitStack) -> Result:
    """Its thread is stopped by `timeout`; here both take turns in one thread, and the time of each is what counts."""
    hook = Hook("hangs", ("sleep", "600"), 1)
    stage = Stage(folder, ["roof"], stack, alert={"silent_after_s": 10**8}, hooks=(hook,))
    stage.send("roof", refused)
    stage.send("roof", refused)
    stage.go_on(60)
    states = {row.channel: row.state for row in stage.store.messages()}
    right = states == {"mail": "sent", "hook:hangs": "waiting"}
    return Result(
        "a hook that hangs", "the mail at once; the hook is tried again", stage.mails, right and len(stage.mails) == 1
    )


def full_disk(folder: Path, stack: ExitStack) -> Result:
    """SQLite may not make the file larger: as on a full disk, nothing of a message is stored; then there is room."""
    stage = Stage(folder, ["roof"], stack, alert={"silent_after_s": 10**8})
    stage.send("roof", refused)
    stage.send("roof", refused)
    (pages,) = stage.store._row("PRAGMA page_count") or (0,)
    stage.store._run(f"PRAGMA max_page_count = {pages}")
    filler = "INSERT INTO console VALUES (NULL, 'filler', 0, ?)"
    try:
        while True:
            stage.store._run(filler, ("x" * 3000,))
    except StoreError:
        pass
    stage.go_on(600)
    during = len(stage.mails)
    stage.store._run(f"PRAGMA max_page_count = {2**30}")
    stage.go_on(300)
    right = during == 0 and len(stage.mails) == 1
    return Result("disk full when an alert begins", "nothing, then 1 mail when there is room", stage.mails, right)


SCENES: dict[str, Scene] = {
    "server-down": server_down,
    "killed-unsent": lambda folder, stack: killed(folder, stack, "unsent"),
    "killed-before": lambda folder, stack: killed(folder, stack, "before"),
    "killed-after": lambda folder, stack: killed(folder, stack, "after"),
    "link-down": link_down,
    "flapping": flapping,
    "many-silent": many_silent,
    "clock-back-8h": lambda folder, stack: clock_set(folder, stack, -8 * HOUR_S),
    "clock-forward-8h": lambda folder, stack: clock_set(folder, stack, 8 * HOUR_S),
    "clock-back-30d": lambda folder, stack: clock_set(folder, stack, -30 * DAY_S),
    "clock-forward-30d": lambda folder, stack: clock_set(folder, stack, 30 * DAY_S),
    "greylisting": greylisting,
    "hook-hangs": hook_hangs,
    "full-disk": full_disk,
}


def play(name: str) -> Result:
    with tempfile.TemporaryDirectory(prefix="alert-drill-") as folder, ExitStack() as stack:
        return SCENES[name](Path(folder), stack)


def row(result: Result) -> str:
    sent = f"{len(result.sent)}" + (f": {result.sent[-1]}" if len(result.sent) == 1 else "")
    return f"| {result.scene} | {result.expected} | {sent} | {'right' if result.is_right else 'WRONG'} |"


def main() -> int:
    os.environ["TZ"] = "UTC"
    print("| what happens | what should be sent | what was sent | |\n|---|---|---|---|")
    wrong = 0
    for name in SCENES:
        result = play(name)
        print(row(result), flush=True)
        if not result.is_right:
            wrong += 1
            print(*(f"    {line}" for line in result.sent), sep="\n", file=sys.stderr)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
