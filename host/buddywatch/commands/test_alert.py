"""`buddywatch test-alert`: really send a message through every configured way."""

from __future__ import annotations

import argparse
import sys

from buddywatch.config.sections import Config
from buddywatch.notify.base import NotifyError
from buddywatch.notify.channels import send_test


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(args: argparse.Namespace, config: Config) -> int:
    config.check_files()
    try:
        lines = send_test(config)
    except NotifyError as error:
        if error.dialogue:
            print("said to the mail server, and by it:", *error.dialogue, sep="\n  ", file=sys.stderr)
        raise
    print("\n".join(lines))
    return 0
