"""[[bridge]] and [fleet] of the configuration: another engine, which gets what is stored, and is asked about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from buddywatch.config import kinds as k
from buddywatch.config.problems import ConfigError
from buddywatch.config.secret_places import SecretError, first_line


@dataclass(frozen=True)
class Bridge:
    """Another engine that gets all that is stored, by HTTP."""

    name: Annotated[k.Name, "the bridge's name; under another one everything is pushed once more"]
    url: Annotated[k.Url, 'where samples are posted, such as "http://hq:8428/write"']
    site: Annotated[k.Name | None, "a label of each sample, to tell the sites of several collectors apart"] = None
    boards: Annotated[k.BoardPatterns | None, "the boards whose data is pushed; patterns are allowed; else all"] = None
    every_s: Annotated[k.Duration, "time between two pushes"] = 10
    format: Annotated[k.BridgeFormat, "InfluxDB's line protocol, or Prometheus remote write"] = "influx"
    lag_s: Annotated[
        k.Duration, "how often the collector writes, for this bridge, the snapshots that boards still hold"
    ] = 30
    token_file: Annotated[k.SecretFile | None, "the file with the token that the engine asks for"] = None
    scheme: Annotated[k.TokenScheme, "how the token is sent; InfluxDB 2 expects Token"] = "Bearer"
    ca_file: Annotated[k.File | None, "certificates (PEM) to trust instead of the system's"] = None
    timeout_s: Annotated[k.Duration, "how long to wait for the engine"] = 30

    def token(self) -> str | None:
        """The token, read now and kept nowhere; None without one. Raises ConfigError."""
        return _token(self.token_file, f"the token of bridge {self.name}")


@dataclass(frozen=True)
class FleetEngine:
    """The engine that `buddywatch fleet` asks about the boards of all sites."""

    url: Annotated[k.Url, 'where VictoriaMetrics answers queries, such as "http://hq:8428"']
    token_file: Annotated[k.SecretFile | None, "the file with the token that the engine asks for"] = None
    scheme: Annotated[k.TokenScheme, "how the token is sent"] = "Bearer"
    ca_file: Annotated[k.File | None, "certificates (PEM) to trust instead of the system's"] = None
    timeout_s: Annotated[k.Duration, "how long to wait for an answer"] = 30

    def token(self) -> str | None:
        """As that of a bridge."""
        return _token(self.token_file, "the token of [fleet]")


FIRST, SPARE = "first", "spare"


@dataclass(frozen=True)
class Pair:
    """Two collectors that hear the same boards and push to the engine of [fleet]: each has this section."""

    role: Annotated[k.PairRole, "the spare pushes and reports only what the first does not"]
    after_s: Annotated[k.Duration, "how long the spare waits for the first; longer than its every and lag"] = 120


def _token(file: Path | None, what: str) -> str | None:
    try:
        return None if file is None else first_line(file, what)
    except SecretError as error:
        raise ConfigError([str(error)]) from None
