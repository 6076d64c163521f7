"""Configuration files for the tests of everything that reads one."""

from pathlib import Path

from buddywatch.config.load import load
from buddywatch.config.sections import Config

EVERY_KEY = """
[collector]
db = "data/buddy.db"
links = ["serial:///dev/ttyUSB0?baud=115200", "telnet://10.0.0.7:2323"]
hole_patience = 90
write_every = "30s"

[storage]
keep_raw = "30d"
keep_rollups = "60d"
keep_events = "365d"
max_bytes = "2M"

[[board]]
name = "xp-07"
rule = "old"
page_bytes = "8k"
needs = ["rm", "player"]
secret_file = "board-secret"

[board.alert]
silent_after = "10m"

[[board]]
name = "xp-08"

[[group]]
name = "xps"
boards = ["xp-*"]

[group.alert]
tight = "warning"
silent_after = "5m"

[[need]]
name = "rm"
bytes = "60 kB"
exec = true
boards = ["xp-07"]

[[need]]
name = "player"
program = "player.flat"
exec = false

[[need]]
name = "buffer"
bytes = 131072

[alert]
refused = "warning"
tight = "off"
kernel_failure = "warning"
silent = "warning"
silent_after = "1m"
rebooted = "off"
lost = "critical"
refused_within = "2h"
hold_samples = 3
clear_samples = 9
repeat_after = 0
batch = "1m"
per_hour = 5
quiet = "22:00-07:30"
digest = "08:15"

[[rule]]
name = "blocks"
value = "free_blocks"
block = "64k"
below = 3
clear = 5
for = "2m"
clear_for = "10m"
severity = "critical"
boards = ["roof-*"]
groups = ["xps"]
do = "Stop the player."

[[rule]]
name = "leak"
value = "margin_pages"
need = "rm"
above = 20
within = "1h"

[mail]
to = ["you@example.org", "root"]
from = "board-watch@example.org"
server = "mail.example.org"
port = 2525
security = "none"
user = "watch"
password_file = "secret"
allow_clear_login = true
ca_file = "ca.pem"
timeout = "1m"

[[hook]]
name = "page"
command = ["/bin/sh", "-q"]
timeout = 5

[[receiver]]
name = "ops"
severities = ["critical"]
boards = ["xp-*"]
to = ["ops@example.org"]
timeout = 10

[[receiver]]
name = "chat"
webhook = "https://chat.example.org/hook"
sign_file = "chat-key"

[[receiver]]
name = "log"
syslog = "/dev/log"

[[receiver]]
name = "archive"
file = "alerts.jsonl"

[heartbeat]
every = "5m"
url = "https://alive.example.org/buddywatch"
file = "alive"

[report]
at = "06:30"
days = ["tue", "fri"]
since = "3d"
to = ["boss@example.org"]

[metrics]
listen = "[::1]:9999"

[[bridge]]
name = "hq"
url = "https://hq.example.org:8428/write"
site = "roof"
boards = ["xp-*"]
every = "20s"
format = "remote-write"
lag = "2m"
token_file = "hq-token"
scheme = "Token"
ca_file = "ca.pem"
timeout = "10s"

[fleet]
url = "https://hq.example.org:8428"
token_file = "hq-token"
scheme = "Token"
ca_file = "ca.pem"
timeout = "20s"

[pair]
role = "spare"
after = "3m"

[[window]]
from = "23:30"
to = "01:00"
days = ["sat", "sun"]
boards = ["xp-07"]
"""

FLAT_60K = b"bFLT\0\0\0\x04\0\0\0\x44" + b"\0\0\x10\0" + b"\0\0\x20\0" + b"\0\0\x40\0" + b"\0\0\xb0\0" + bytes(36)


def fill(folder: Path) -> Path:
    """Put the files that EVERY_KEY names into a folder."""
    (folder / "player.flat").write_bytes(FLAT_60K)
    (folder / "ca.pem").write_text("")
    (folder / "secret").write_text("open sesame\n")
    (folder / "secret").chmod(0o600)
    (folder / "chat-key").write_text("open sesame\n")
    (folder / "chat-key").chmod(0o600)
    (folder / "hq-token").write_text("open sesame\n")
    (folder / "hq-token").chmod(0o600)
    (folder / "board-secret").write_text("correct-horse-battery-staple\n")
    (folder / "board-secret").chmod(0o600)
    return folder


def load_text(folder: Path, text: str) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, {"HOME": str(folder)})


def need(rest: str) -> str:
    return f'[[need]]\nname = "rm"\n{rest}'


def mail(rest: str) -> str:
    return f'[mail]\nto = ["you@example.org"]\nfrom = "watch@example.org"\n{rest}'


SERVER = 'server = "mail.example.org"\n'
LOGIN = 'user = "watch"\npassword_env = "MAIL_PASSWORD"\n'
