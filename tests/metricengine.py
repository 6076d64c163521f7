"""An engine for bridges: a real HTTP server that keeps the samples it is given, as {(name, labels): {ms: value}}."""

import gzip
import http.server
import re
import signal
import socket
import subprocess
import threading
import urllib.request
from collections import Counter
from contextlib import closing, contextmanager, suppress

from termtools import tool
from waiting import wait_for

LINE = re.compile(r"buddywatch((?:,[a-z]+=(?:\\.|[^,= \\])+)*) ([a-z_]+)=(-?[0-9.]+)i? ([0-9]+)")


def parsed(line):
    """(series, ms, value) of a line of InfluxDB's protocol."""
    match = LINE.fullmatch(line)
    assert match, line
    tags, field, value, time_ms = match.groups()
    labels = dict(tag.split("=", 1) for tag in re.split(r"(?<!\\),", tags)[1:])
    return (f"buddywatch_{field}", tuple(sorted(labels.items()))), int(time_ms), float(value)


class Engine:
    """answers: to the next requests, (status, headers); then 204. refuses: a text that no body may have."""

    def __init__(self):
        self.samples, self.times_sent, self.requests, self.answers, self.refuses = {}, Counter(), [], [], None
        engine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"]))).decode()
                engine.requests.append((self.path, dict(self.headers), body))
                status, headers = engine.answers.pop(0) if engine.answers else (204, {})
                if engine.refuses is not None and engine.refuses in body:
                    status = 400
                if status < 300:
                    engine.take(body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/write"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, body):
        for line in body.splitlines():
            series, time_ms, value = parsed(line)
            self.samples.setdefault(series, {})[time_ms] = value
            self.times_sent[series, time_ms] += 1

    def values(self, name, **labels):
        """{ms: value} of the one series with this name and, among others, these labels."""
        (found,) = [
            samples
            for (of_name, of_labels), samples in self.samples.items()
            if of_name == name and labels.items() <= dict(of_labels).items()
        ]
        return found

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def victoria_metrics(folder, port, ended_by=signal.SIGTERM):
    """The real engine; its URL."""
    options = [f"-storageDataPath={folder / 'vm'}", f"-httpListenAddr=127.0.0.1:{port}", "-retentionPeriod=100y"]
    url = f"http://127.0.0.1:{port}"
    with running(tool("victoria-metrics"), [*options, "-dedup.minScrapeInterval=1ms"], f"{url}/health", ended_by):
        yield url


def flush(url):
    """What the real engine was given can be read afterwards."""
    urllib.request.urlopen(f"{url}/internal/force_flush", timeout=60).close()


@contextmanager
def alertmanager(folder):
    """Debian's Alertmanager, alone; its URL."""
    (folder / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    url = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'alertmanager'}"]
    options += [f"--web.listen-address={url}", "--cluster.listen-address="]
    with running(tool("prometheus-alertmanager"), options, f"http://{url}/-/ready"):
        yield f"http://{url}"


@contextmanager
def vmalert(rules, engine, notified):
    """Evaluates the rules on what the engine has, and notifies an Alertmanager."""
    url = f"127.0.0.1:{free_port()}"
    options = [f"-rule={rules}", f"-datasource.url={engine}", f"-notifier.url={notified}", f"-httpListenAddr={url}"]
    with running(tool("vmalert"), options, f"http://{url}/health"):
        yield


@contextmanager
def running(program, options, health, ended_by=signal.SIGTERM):
    """A server while it is needed."""
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def is_up():
        assert process.poll() is None, f"{program} ended with {process.returncode}"
        with suppress(OSError), urllib.request.urlopen(health, timeout=10) as answer:
            return answer.status == 200
        return False

    try:
        wait_for(is_up, program)
        yield
    finally:
        process.send_signal(ended_by)
        process.wait()
