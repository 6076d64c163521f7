"""`buddywatch test-alert`: really send a test message through every configured channel."""

from __future__ import annotations

import argparse
import sys

from buddywatch.config.sections import Config
from buddywatch.notify.base import NotifyError
from buddywatch.notify.channels import send_test


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """There are none."""


def run(args: argparse.Namespace, config: Config) -> int:
    config.check_files()
    try:
        lines = send_test(config)
    except NotifyError as error:
        if error.dialogue:
            print("conversation with the mail server:", *error.dialogue, sep="\n  ", file=sys.stderr)
        raise
    print("\n".join(lines))
    return 0
