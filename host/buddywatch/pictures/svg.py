"""A board's picture as SVG: the course of a need, free blocks by size. Pure: values -> text.

Colours are classes, so that one style sheet serves light and dark. Each picture has a title and a description for
readers who cannot see it (role img, SVG 2, 5.9; WAI-ARIA graphics).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from html import escape

from buddywatch.pictures.board_picture import EVENT, FAILURE, GAP, REBOOT, BoardPicture, NeedCourse, Points, in_columns
from buddywatch.pictures.plot_lines import need_words
from buddywatch.text.escape import brief_duration, escaped
from buddywatch.text.units import brief_bytes

Scale = Callable[[float], float]  # a value -> its place in the picture

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 54, 12, 12, 26
AHEAD_PART = 0.22  # of the width, for the forecast
_ROW = 18  # so high that a phone can show its text larger
_TICKS = 5
_SHADES = (0.0, 2.0, 4.0, 8.0)
# Contrast of text is at least 4.5 : 1 (WCAG 2.2, 1.4.3), of lines 3 : 1 (1.4.11), on each of the two backgrounds.
STYLE = """
.bw{--ink:#1b1f24;--soft:#57606a;--rule:#8c959f;--page:#ffffff;--good:#1a7f37;--bad:#b42318;--band:#9a6700;--h0:#eaeef2;
--h1:#c3d3e6;--h2:#7ea6d4;--h3:#3f78b5;--h4:#1d4e89}
@media (prefers-color-scheme:dark){.bw{--ink:#e6edf3;--soft:#9da7b1;--rule:#6e7681;--page:#0d1117;--good:#4ac26b;
--bad:#ff7b72;--band:#d4a72c;--h0:#21262d;--h1:#1d3a5f;--h2:#2f629c;--h3:#5b97d6;--h4:#a5d0ff}}
.bw text{font:11px system-ui,sans-serif;fill:var(--soft)}.bw .axis{stroke:var(--rule);stroke-width:1;fill:none}
.bw .line{stroke:var(--good);stroke-width:2;fill:none;stroke-linejoin:round}.bw .area{fill:var(--good);opacity:.18}
.bw .none{stroke:var(--bad);stroke-width:4;fill:none}.bw .band{fill:var(--band);opacity:.25}
.bw .ahead{stroke:var(--band);stroke-width:2;stroke-dasharray:4 3;fill:none}
.bw .now{stroke:var(--soft);stroke-dasharray:2 3}
.bw .failure{stroke:var(--bad)}.bw .reboot{stroke:var(--ink)}.bw .gap{stroke:var(--band)}.bw .event{stroke:var(--soft)}
@media (max-width:40rem){.bw text{font-size:17px}}
.bw .h0{fill:var(--h0)}.bw .h1{fill:var(--h1)}.bw .h2{fill:var(--h2)}.bw .h3{fill:var(--h3)}.bw .h4{fill:var(--h4)}
"""
_MARK_NAMES = {FAILURE: "failure", REBOOT: "reboot", GAP: "gap", EVENT: "event"}


def document(picture: BoardPicture) -> str:
    """One file with all pictures below each other."""
    parts = [*(need_svg(need, picture, f"n{at}") for at, need in enumerate(picture.needs)), heat_svg(picture, "heat")]
    heights = [HEIGHT] * len(picture.needs) + [heat_height(picture)]
    placed, y = [], 0
    for part, height in zip(parts, heights, strict=True):
        placed.append(part.replace("<svg ", f'<svg y="{y}" width="{WIDTH}" height="{height}" ', 1))
        y += height + 10
    inner = "\n".join(placed)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bw" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}">'
        f"<style>{STYLE}</style><rect width='100%' height='100%' style='fill:var(--page)'/>\n{inner}\n</svg>\n"
    )


def need_svg(need: NeedCourse, picture: BoardPicture, key: str) -> str:
    """The usable blocks of a need over time, with the forecast behind a line for now. key: for ids, once in a page."""
    ahead = _has_forecast(need)
    span = WIDTH - LEFT - RIGHT
    past = span * (1 - AHEAD_PART) if ahead else span
    top = max(1.0, *(value for _, value in need.blocks), 1.0)

    def x(time: float) -> float:
        return LEFT + past * (time - picture.since) / (picture.until - picture.since)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - max(0.0, value) / top)

    body = [*_axes(top, y, picture, x), *_marks(picture, x)]
    for run in runs(need.blocks, picture.step_s):
        body += _run(run, picture, x, y)
    if ahead:
        body += _ahead(need, LEFT + past, WIDTH - RIGHT, y)
    return _svg(key, f"{need.name}: usable {brief_bytes(need.block_bytes)} blocks", need_words(need), HEIGHT, body)


def heat_height(picture: BoardPicture) -> int:
    return TOP + _ROW * max(1, len(picture.heat)) + BOTTOM


def heat_svg(picture: BoardPicture, key: str) -> str:
    """Free blocks by size over time: a row for each size, darker for more, with the newest number at its end."""
    columns, span = 120, WIDTH - LEFT - RIGHT - 34
    body = []
    for row, order in enumerate(reversed(range(len(picture.heat)))):
        top = TOP + row * _ROW
        size = f"#{order}" if picture.page_bytes is None else brief_bytes(picture.page_bytes << order)
        body.append(f'<text x="{LEFT - 6}" y="{top + 13}" text-anchor="end">{size}</text>')
        body += _heat_cells(picture, order, columns, span / columns, top)
        if picture.heat[order]:
            now = picture.heat[order][-1][1]
            body.append(f'<text x="{LEFT + span + 4}" y="{top + 13}">{now:.0f}</text>')
    body += _times(
        picture,
        lambda time: LEFT + span * (time - picture.since) / (picture.until - picture.since),
        heat_height(picture),
    )
    newest = [
        f"{brief_bytes((picture.page_bytes or 4096) << order)}: {points[-1][1]:.0f}"
        for order, points in enumerate(picture.heat)
        if points
    ]
    words = f"Free blocks now, by size: {', '.join(newest)}" if newest else "Nothing is known of this time"
    return _svg(key, "Free blocks by size over time", words, heat_height(picture), body)


def runs(points: Points, step_s: float) -> Iterator[Points]:
    """The points without the holes between them."""
    first = 0
    for at in range(1, len(points) + 1):
        if at == len(points) or points[at][0] - points[at - 1][0] > 2.5 * step_s:
            yield points[first:at]
            first = at


def _svg(key: str, title: str, words: str, height: int, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="bw" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{escape(escaped(title))}</title>'
        f'<desc id="{key}-d">{escape(words)}</desc>{"".join(body)}</svg>'
    )


def _run(run: Points, picture: BoardPicture, x: Scale, y: Scale) -> Iterator[str]:
    """A line of steps, the area below it, and what is refused in red on the floor."""
    ends = [min(picture.until, max(picture.since, time + picture.step_s)) for time, _ in run]
    corners = [
        (x(at), y(value))
        for (time, value), end in zip(run, ends, strict=True)
        for at in (max(picture.since, time), end)
    ]
    path = " ".join(f"{px:.1f},{py:.1f}" for px, py in corners)
    yield f'<polygon class="area" points="{corners[0][0]:.1f},{y(0):.1f} {path} {corners[-1][0]:.1f},{y(0):.1f}"/>'
    yield f'<polyline class="line" points="{path}"/>'
    for (time, value), end in zip(run, ends, strict=True):
        if value < 0:
            yield f'<path class="none" d="M{x(max(picture.since, time)):.1f} {y(0):.1f}H{x(end):.1f}"/>'


def _axes(top: float, y: Scale, picture: BoardPicture, x: Scale) -> Iterator[str]:
    yield f'<path class="axis" d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>'
    for value in sorted({0, round(top / 2), round(top)}):
        yield f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>'
    yield from _times(picture, x, HEIGHT)


def _times(picture: BoardPicture, x: Scale, height: int) -> Iterator[str]:
    span_s = picture.until - picture.since
    form = "%H:%M" if span_s < 1.5 * 86_400 else "%a %d"
    for tick in range(_TICKS):
        time = picture.since + span_s * tick / _TICKS
        yield f'<text x="{x(time):.1f}" y="{height - 8}">{datetime.fromtimestamp(time).strftime(form)}</text>'


def _marks(picture: BoardPicture, x: Scale) -> Iterator[str]:
    for mark in picture.marks:
        if picture.since <= mark.time <= picture.until:
            at = x(mark.time)
            yield (
                f'<path class="{_MARK_NAMES[mark.kind]}" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}">'
                f"<title>{escape(escaped(mark.text))}</title></path>"
            )


def _has_forecast(need: NeedCourse) -> bool:
    return need.forecast.in_s is not None and bool(need.blocks) and need.blocks[-1][1] >= 0


def _ahead(need: NeedCourse, left: float, right: float, y: Scale) -> Iterator[str]:
    """From the newest value straight down to 0: the band of the 80 % interval, and the median."""
    forecast, now = need.forecast, max(0.0, need.blocks[-1][1])
    in_s = forecast.in_s or 0.0
    span_s = max(60.0, 1.2 * (forecast.high_s or 2 * in_s))

    def at(time_s: float | None) -> float:
        return right if time_s is None else min(right, left + (right - left) * time_s / span_s)

    yield f'<path class="now axis" d="M{left:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
    low, high = at(forecast.low_s if forecast.low_s is not None else in_s), at(forecast.high_s)
    yield f'<polygon class="band" points="{left:.1f},{y(now):.1f} {high:.1f},{y(0):.1f} {low:.1f},{y(0):.1f}"/>'
    yield f'<path class="ahead" d="M{left:.1f} {y(now):.1f}L{at(in_s):.1f} {y(0):.1f}"/>'
    yield f'<text x="{right:.1f}" y="{HEIGHT - 8}" text-anchor="end">in {brief_duration(span_s)}</text>'


def _heat_cells(picture: BoardPicture, order: int, columns: int, width: float, top: int) -> Iterator[str]:
    """Equal neighbours are one rectangle."""
    shades = [None if count is None else _shade(count) for count in in_columns(picture.heat[order], picture, columns)]
    first = 0
    for at in range(1, columns + 1):
        if at == columns or shades[at] != shades[first]:
            if shades[first] is not None:
                left, wide = LEFT + first * width, (at - first) * width
                place = f'x="{left:.1f}" y="{top}" width="{wide:.1f}" height="{_ROW - 2}"'
                yield f'<rect class="h{shades[first]}" {place}/>'
            first = at


def _shade(count: float) -> int:
    return 0 if count <= 0 else sum(count >= least for least in _SHADES)
