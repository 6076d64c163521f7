"""SIGHUP: a running collector takes a new configuration, and keeps the old one if the new one is wrong."""

import signal
from pathlib import Path

from system_parts import Collector
from waiting import wait_for

COLLECTOR = '[collector]\nlinks = ["tcp://127.0.0.1:1"]\n'


def test_sighup_reads_the_configuration_again_and_an_invalid_one_changes_nothing(tmp_path: Path) -> None:
    config, alive = tmp_path / "c.toml", tmp_path / "alive"
    config.write_text(COLLECTOR)
    collector = Collector(tmp_path / "a.db", config, ["--plain"])
    try:
        collector.wait_until_it_says("127.0.0.1:1: connection refused")
        config.write_text(COLLECTOR + "[heartbeat]\nevery = 0\n")
        collector.process.send_signal(signal.SIGHUP)
        collector.wait_until_it_says("the configuration stays as it was: ")
        assert "[heartbeat] every = 0" in collector.out and not alive.exists()
        config.write_text(COLLECTOR + f'[heartbeat]\nfile = "{alive}"\n')
        collector.process.send_signal(signal.SIGHUP)
        collector.wait_until_it_says("the configuration was read again")
        wait_for(alive.exists, "the first sign of life")
        assert collector.process.poll() is None
        collector.process.send_signal(signal.SIGTERM)
        collector.wait()
        assert "Traceback" not in collector.err
    finally:
        collector.close()
