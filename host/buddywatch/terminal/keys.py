"""What a key does: (key, view) -> view, and what is asked for beyond it. Pure."""

from __future__ import annotations

from dataclasses import replace

from buddywatch.terminal.keyboard import BACKSPACE, DOWN, END, ENTER, ESCAPE, HOME, LEFT, PAGE_DOWN, PAGE_UP, RIGHT, UP
from buddywatch.terminal.view import BOARD, FLEET, ORDERS, TEXT, Action, BoardLine, Fleet, View, place_of, shown_boards

QUIT, MUTE, KNOWN, CONSOLE = "quit", "mute", "known", "console"
ALERTS, EXPLAIN, HISTORY, LOG = "alerts", "explain", "history", "log"  # pages of text
PAGES = {"a": ALERTS, "e": EXPLAIN, "h": HISTORY, "l": LOG}
ASK_MUTE, ASK_KNOWN, ASK_QUIT = "mute", "known", "quit"
HOURS = {"1": 1.0, "2": 2.0, "8": 8.0, "d": 24.0, "w": 168.0}
FILTER_MAX = 40

HELP = (
    "Every key, on every page:",
    "  j k, arrows, wheel   one line down or up",
    "  PgDn PgUp, Home End  one page, or to the first or last line",
    "  Enter                open the board under the cursor",
    "  left right           the board before or after this one",
    "  Esc, q               back; on the first page q leaves the live view",
    "",
    "  /   show only boards whose name or need has the text that you type; Esc shows all again",
    "  s   sort: time left, blocks left, name, last seen",
    "  a   the open alerts of the board    e  explain its memory: why, and what helps",
    "  h   its history of the last hour    l  its console log",
    "  c   console: talk to its agent      r  draw the screen anew",
    "  m   mute its alerts for a while (they are still recorded)",
    "  x   I know: no reminders of the board's open alerts until they end",
    "  ?   this page",
    "",
    "The columns of the first page:",
    "  NEED        the need of the board that is worst off, and BLOCK, the block that it takes",
    "  LEFT        usable blocks: how many more times the kernel would hand out such a block",
    "  LARGEST     the largest request that would succeed now",
    "  LAST 7 DAYS the margin of the need, since the board's boot at most; _ is refused",
    "  PER DAY     how many usable blocks come or go in a day",
    "  FAILS IN    when the need will first be refused if things go on as they do (80 % interval)",
    "  SEEN        how old the newest snapshot is",
)


def press(key: str, view: View, fleet: Fleet, rows: int) -> tuple[View, Action | None]:
    """rows: how many lines of boards or text fit, for one page."""
    if view.asking:
        return _answered(key, view)
    if view.typing:
        return _typed(key, view), None
    if key == "?":
        return opened(view, "help", HELP), None
    if view.page == TEXT:
        return _in_text(key, view, rows), None
    board = _chosen(view, fleet)
    if key in ("q", ESCAPE):
        return _left(key, view)
    if key == "s":
        return replace(view, order=ORDERS[(ORDERS.index(view.order) + 1) % len(ORDERS)], scroll=0), None
    if key == "/" and view.page == FLEET:
        return replace(view, typing=True, filter=""), None
    if board is None:
        return view, None
    if key in PAGES:
        return view, Action(PAGES[key], board.name)
    if key == "c":
        return view, Action(CONSOLE, board.name)
    if key in ("m", "x"):
        return replace(view, selected=board.name, asking=ASK_MUTE if key == "m" else ASK_KNOWN), None
    return _moved(key, view, fleet, rows), None


def opened(view: View, title: str, text: tuple[str, ...]) -> View:
    """A page of text; ESC leads back to where the user was."""
    back = view.back if view.page == TEXT else view.page
    return replace(view, page=TEXT, title=title, text=text, scroll=0, back=back)


def question(view: View) -> str:
    """What is asked at the bottom; "" if nothing is."""
    if view.asking == ASK_MUTE:
        return f"mute all alerts of {view.selected} for: 1 h, 2 h, 8 h, d (a day), w (a week)? Esc: no"
    if view.asking == ASK_KNOWN:
        return f"no reminders of the open alerts of {view.selected}? y: yes, Esc: no"
    return f"q once more ends {view.ends}, Esc: no" if view.asking == ASK_QUIT else ""


def _chosen(view: View, fleet: Fleet) -> BoardLine | None:
    """The board that is open or under the cursor."""
    if view.page == BOARD:
        return fleet.named(view.selected)
    boards = shown_boards(fleet, view)
    return boards[place_of(boards, view.selected)] if boards else None


def _answered(key: str, view: View) -> tuple[View, Action | None]:
    asked, view = view.asking, replace(view, asking="")
    if asked == ASK_MUTE and key in HOURS:
        return view, Action(MUTE, view.selected, HOURS[key])
    if asked == ASK_KNOWN and key == "y":
        return view, Action(KNOWN, view.selected)
    if asked == ASK_QUIT and key == "q":
        return view, Action(QUIT)
    return view, None


def _typed(key: str, view: View) -> View:
    if key == ENTER:
        return replace(view, typing=False)
    if key == ESCAPE:
        return replace(view, typing=False, filter="", selected="")
    text = view.filter[:-1] if key == BACKSPACE else view.filter + (key if len(key) == 1 else "")
    return replace(view, filter=text[:FILTER_MAX], selected="", scroll=0)


def _left(key: str, view: View) -> tuple[View, Action | None]:
    if view.page == BOARD:
        return replace(view, page=FLEET, scroll=0), None
    if key == ESCAPE:
        return replace(view, filter="", scroll=0), None
    return (replace(view, asking=ASK_QUIT), None) if view.ends else (view, Action(QUIT))


def _in_text(key: str, view: View, rows: int) -> View:
    if key in ("q", ESCAPE, LEFT):
        return replace(view, page=view.back, text=(), scroll=0)
    last = max(0, len(view.text) - rows)
    steps = {UP: -1, "k": -1, DOWN: 1, "j": 1, PAGE_UP: -rows, PAGE_DOWN: rows, " ": rows, ENTER: 1}
    steps |= {HOME: -last, "g": -last, END: last, "G": last}
    return replace(view, scroll=max(0, min(last, view.scroll + steps.get(key, 0))))


def _moved(key: str, view: View, fleet: Fleet, rows: int) -> View:
    boards = shown_boards(fleet, view)
    at = place_of(boards, view.selected)
    if view.page == BOARD:
        steps = {RIGHT: 1, "n": 1, LEFT: -1, "p": -1}
    elif key in (ENTER, RIGHT):
        return replace(view, page=BOARD, selected=boards[at].name)
    else:
        steps = {UP: -1, "k": -1, DOWN: 1, "j": 1, PAGE_UP: -rows, PAGE_DOWN: rows, " ": rows}
        steps |= {HOME: -at, "g": -at, END: len(boards), "G": len(boards)}
    if key not in steps:
        return view
    return replace(view, selected=boards[max(0, min(len(boards) - 1, at + steps[key]))].name)
