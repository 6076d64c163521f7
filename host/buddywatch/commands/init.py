"""`buddywatch init`: asks for link, login, name, needs and mail, writes a configuration, and tries it.

No secret is an argument: passwords are typed without an echo and put into files, or such files are named.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from buddywatch.commands import CommandError, init_answers
from buddywatch.commands.argument_types import checked
from buddywatch.commands.init_answers import MailAnswer, MailServer, NeedAnswer
from buddywatch.commands.init_file import check_free, config_text, write_config, write_secret
from buddywatch.commands.init_trial import TrialError, try_board
from buddywatch.config.load import load, user_config_path
from buddywatch.config.sections import Config
from buddywatch.notify.base import NotifyError
from buddywatch.notify.channels import send_test

LINK_OR_MAIL = 4
BOARD_PASSWORD, MAIL_PASSWORD = "board-password", "mail-password"
_LINKS = """How is the board reached?
  telnet://HOST:2323, serial:///dev/ttyUSB0?baud=115200   buddyd runs on it
  hush://USER@HOST                                        nothing runs on it: a login by telnet is enough"""
_NEEDS = """What must be able to start? The file of a program (bFLT or ELF), or NAME=BYTES (with :exec for a program);
  several with blanks between them"""


@dataclass(frozen=True)
class _Answers:
    """board_password, mail_password: what was typed; "": none, or it is in a file already."""

    link: str
    name: str
    needs: tuple[NeedAnswer, ...]
    mail: MailAnswer | None
    mail_password_file: Path | None
    board_password: str = ""
    mail_password: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    text = "what is not given is asked for on a terminal"
    parser.add_argument("--link", metavar="LINK", type=checked(init_answers.link), help=f"as for `collect`; {text}")
    file = "the file with the password of the link's login, as login=file:FILE in the link"
    parser.add_argument("--login-file", metavar="FILE", type=Path, help=file)
    name = "the board's name; default: what it calls itself"
    parser.add_argument("--name", metavar="NAME", type=checked(init_answers.board), help=name)
    need = f"NAME=BYTES[:exec], or the file of a program; several times, too; default: {init_answers.DEFAULT_NEED}"
    parser.add_argument("--need", metavar="NEED", type=checked(init_answers.one_need), action="append", help=need)
    to = "who gets the mail; default: nobody"
    parser.add_argument("--mail-to", metavar="ADDRESS", type=checked(init_answers.address), action="append", help=to)
    parser.add_argument("--mail-from", metavar="ADDRESS", type=checked(init_answers.address), help="the sender")
    server = "[USER@]HOST[:PORT], or the path of a program such as /usr/sbin/sendmail"
    parser.add_argument("--mail-server", metavar="SERVER", type=checked(init_answers.mail_server), help=server)
    file = "the file with the password of the mail server's USER"
    parser.add_argument("--mail-password-file", metavar="FILE", type=Path, help=file)
    parser.add_argument("--no-try", action="store_true", help="do not poll the board and send no test mail")
    parser.add_argument("--force", action="store_true", help="overwrite a configuration that is there")


def run(args: argparse.Namespace, config: Config) -> int:
    path = (Path(args.config) if args.config else user_config_path(os.environ)).absolute()
    password_files = [path.with_name(BOARD_PASSWORD), path.with_name(MAIL_PASSWORD)]
    if not args.force:
        check_free([path])
    if sys.stdin.isatty():
        print(f"This writes {path}, and tries it. Enter takes what is in [brackets].\n")
    answers = _answers(args, *password_files)
    secrets = dict(zip(password_files, (answers.board_password, answers.mail_password), strict=True))
    typed = {file: secret for file, secret in secrets.items() if secret}
    if not args.force:
        check_free([path, *typed])
    for file, secret in typed.items():
        write_secret(file, secret)
    db = str(Path(args.db).absolute()) if args.db else ""
    write_config(path, config_text(*_main(answers), answers.mail, answers.mail_password_file, db))
    print(f"{path}: written")
    failed = [] if args.no_try else _tried(path, answers)
    print(_next_words(path if args.config else None, failed))
    return LINK_OR_MAIL if failed else 0


def _main(answers: _Answers) -> tuple[str, str, tuple[NeedAnswer, ...]]:
    return answers.link, answers.name, answers.needs


def _answers(args: argparse.Namespace, board_file: Path, mail_file: Path) -> _Answers:
    asks = sys.stdin.isatty()
    if args.link is None and not asks:
        raise CommandError("no terminal to ask on: name the link with --link; see buddywatch init --help")
    if args.link is None:
        print(_LINKS)
    link = init_answers.ask("link", "", init_answers.link) if args.link is None else args.link
    board_password = ""
    if args.login_file is not None:
        link = _with_login(link, args.login_file.expanduser().absolute())
    elif asks and init_answers.asks_login(link):
        board_password = init_answers.ask_secret("password of this login")
        link = _with_login(link, board_file) if board_password else link
    name = args.name or ""
    if args.name is None and asks:
        name = init_answers.ask("\nname of the board [as it calls itself]", "", init_answers.board)
    link = init_answers.with_option(link, "board", name) if name else link
    needs = _needs(args, asks)
    mail, password_file, mail_password = _mail(args, asks, mail_file)
    return _Answers(link, name, needs, mail, password_file, board_password, mail_password)


def _with_login(link: str, file: Path) -> str:
    try:
        return init_answers.link(init_answers.with_option(link, "login", f"file:{file}"))
    except ValueError as error:
        raise CommandError(str(error)) from None


def _needs(args: argparse.Namespace, asks: bool) -> tuple[NeedAnswer, ...]:
    if args.need is None and asks:
        print(f"\n{_NEEDS}")
        return init_answers.ask("needs", init_answers.DEFAULT_NEED, init_answers.needs)
    try:
        return init_answers.distinct(args.need or init_answers.needs(init_answers.DEFAULT_NEED))
    except ValueError as error:
        raise CommandError(str(error)) from None


def _mail(args: argparse.Namespace, asks: bool, file: Path) -> tuple[MailAnswer | None, Path | None, str]:
    """(mail, the file with its password, what was typed as password)."""
    to = tuple(args.mail_to or ())
    if args.mail_to is None and asks:
        to = init_answers.ask("\nwho gets mail, addresses [nobody]", "", init_answers.addresses)
    if not to:
        return None, None, ""
    server: MailServer = args.mail_server or init_answers.mail_server(init_answers.default_server())
    if args.mail_server is None and asks:
        question = "mail server, [USER@]HOST[:PORT] or a program"
        server = init_answers.ask(question, init_answers.default_server(), init_answers.mail_server)
    mail = MailAnswer(to, args.mail_from or init_answers.default_sender(), server)
    if not server.user:
        return mail, None, ""
    if args.mail_password_file is not None:
        return mail, args.mail_password_file.expanduser().absolute(), ""
    if not asks:
        raise CommandError("--mail-server has a USER: name the file with the password by --mail-password-file")
    typed = init_answers.ask_secret(f"password of {server.user} there")
    return mail, file if typed else None, typed


def _tried(path: Path, answers: _Answers) -> list[str]:
    """Poll the board once, and send one mail; what did not work, as the commands that try it again."""
    failed = []
    print("trying the board (Ctrl-C: go on without) ...", flush=True)
    with suppress(KeyboardInterrupt):
        try:
            print("\n".join(try_board(config_text(*_main(answers), None, None, ""))))
        except TrialError as error:
            failed.append("collect --plain")
            print(f"buddywatch: the board does not answer: {error}", file=sys.stderr)
    if answers.mail is not None:
        config = load(path, os.environ)
        config.check_files()
        try:
            print("\n".join(send_test(config)))
        except NotifyError as error:
            failed.append("test-alert")
            print(f"buddywatch: {error}", file=sys.stderr)
    return failed


def _next_words(path: Path | None, failed: list[str]) -> str:
    """What to type next. path: of a configuration that must be named. failed: what to try again first."""
    command = "buddywatch" if path is None else f"buddywatch --config {shlex.quote(str(path))}"
    again = {"collect --plain": "try the board again", "test-alert": "send the test mail again"}
    steps = {what: again[what] for what in failed}
    steps |= {"collect": "watch, with a live view", "status": "how the board is, from another terminal"}
    width = max(map(len, steps))
    lines = [f"  {command} {what:<{width}}  {words}" for what, words in steps.items()]
    return "\n".join(["Next:", *lines, "  docs/how-to/run-as-a-service.md: start it with the machine"])
