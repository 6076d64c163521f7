"""An engine at headquarters, to which the bridges of two sites have pushed, and a person who asks it."""

import contextlib
import http.server
import io
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import livefleet
from boards import kernel_event, snapshot
from buddywatch.cli import main
from buddywatch.model.samples import OVERWRITTEN, Gap
from buddywatch.store.store import Store
from metricengine import flush
from runner import Result
from system_parts import buddywatch

NEEDS = "".join(f'[[need]]\nname = "{need.name}"\nbytes = {need.bytes}\n' for need in livefleet.NEEDS)
SITES = {
    "roof": {"xp": livefleet.FAILING, "xp-2": livefleet.LEVEL, "gone": livefleet.LEVEL},
    "shed": {"xp": livefleet.LEVEL, "slow": livefleet.FALLING},
}
SILENT_S = 3 * 3600


class Hq:
    """The engine that both sites have pushed to, and the configuration of somebody who asks it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.now = folder, url, time.time()
        for site, kinds in SITES.items():
            db, config = folder / f"{site}.db", folder / f"{site}.toml"
            with Store.open(db) as store:
                for number, (name, kind) in enumerate(kinds.items()):
                    now = self.now - (SILENT_S if name == "gone" else 0)
                    livefleet.tell(store, name, kind, now, days=2, number=number)
                    *_, last = store.snapshots(name)
                    shot = snapshot(last.seq + 1, last.zones[0].nr_free, last.boot_id)  # soon, so that there are rates
                    later = {"time": last.time + 5, "uptime_ms": last.uptime_ms + 5000, "zones": last.zones}
                    store.add_snapshot(name, replace(shot, **later, free_pages=last.free_pages))
                    boot_id = last.boot_id
                    store.add_event(name, replace(kernel_event(60, 100, boot_id), time=self.now - 200))
                    store.add_gap(name, Gap(boot_id, 61, 64, OVERWRITTEN, self.now - 100))
            config.write_text(f'{NEEDS}[[bridge]]\nname = "hq"\nurl = "{url}/write"\nsite = "{site}"\n')
            assert buddywatch(db, config, "bridge", "--once").code == 0
        flush(url)
        self.config = folder / "hq.toml"
        self.config.write_text(f'[fleet]\nurl = "{url}/"\n')

    def ask(self, *arguments: str, config: Path | None = None) -> Result:
        """In this process, as a test asks many times."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(["--config", str(config or self.config), "fleet", *arguments])
            except SystemExit as exit_:
                code = int(exit_.code or 0)
        shown = []
        for stream in (out, err):
            stream.flush()
            shown.append(stream.buffer.getvalue().decode())
        return Result(code, *shown)


@contextlib.contextmanager
def other_engine() -> Iterator[tuple[str, list[str]]]:
    """A server that is no engine; its URL, and the tokens that it was sent."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.headers["Authorization"])
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
