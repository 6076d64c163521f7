"""A real browser without a window: what it makes of a page at the widths of a phone, a tablet and a screen."""

import json
import re
import shutil
import subprocess
from html import unescape

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (360, 800, 1600)
SCHEMES = pytest.mark.parametrize("scheme", [0, 1], ids=["dark", "light"])
BACKGROUNDS = ("rgb(13, 17, 23)", "rgb(255, 255, 255)")  # by scheme
# What a browser is asked for, at the end of the page: its width beside that of what is in it, and of each picture.
PROBE = """<script>document.title = JSON.stringify([innerWidth, document.documentElement.scrollWidth,
[...document.querySelectorAll('svg')].map(one => one.getBoundingClientRect().height),
getComputedStyle(document.body).backgroundColor])</script>"""


def needs_browser(test):
    """Left out by make test-fast: a browser takes half a second of processor time to start."""
    missing = pytest.mark.skipif(BROWSER is None, reason="no browser found; as root: apt install chromium")
    return pytest.mark.slow(missing(test))


def browsed(url, *options):
    argv = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *options, url]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout


def probed(text, folder, scheme):
    """For each of WIDTHS: (width of the window, of the page, heights of its pictures, background) in a browser."""
    folder.joinpath("probe.html").write_text(text.replace("</main>", f"</main>{PROBE}"))
    outer = folder / "outer.html"  # a browser's window is never narrower than 500 pixels, and one shows all widths
    style = "border:0;display:block;height:9000px"
    frames = "".join(f'<iframe style="{style};width:{width}px" src="probe.html"></iframe>' for width in WIDTHS)
    titles = "[...document.querySelectorAll('iframe')].map(one => JSON.parse(one.contentDocument.title))"
    script = f"onload = () => {{document.title = JSON.stringify({titles})}}"
    outer.write_text(f'<body style="margin:0">{frames}<script>{script}</script>')
    options = ("--dump-dom", "--allow-file-access-from-files", f"--window-size={max(WIDTHS)},900")
    dom = browsed(outer.as_uri(), *options, f"--blink-settings=preferredColorScheme={scheme}")
    return json.loads(unescape(re.search(r"<title>(.*?)</title>", dom)[1]))


def paper_sizes(url, folder):
    """The size of each page when it is printed, in points."""
    paper = folder / "a.pdf"
    browsed(url, f"--print-to-pdf={paper}")
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper.read_bytes())
    return [(round(float(wide)), round(float(high))) for wide, high in boxes]
