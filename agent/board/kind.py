"""The kinds of emulated board: how QEMU runs each, as its machine.toml says.

The words of machine.toml:
qemu, package: QEMU's program, and the package of Debian that has it; ram_mb: that QEMU gives it
arguments, flavours: QEMU's arguments for every flavour, and those that choose one
given: what `make board` must be told to build a flavour that it does not build otherwise
forms: of the programs
agent_device, spare_device: what the board calls its serial lines; the same, if it has none to spare

In arguments {out} is the folder that agent/board/build filled, {form} the form, {forwards} the ports that lead to the
board's; `console`, `agent` and `spare` are the names of the chardevs at this end of its lines.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BOARDS = Path(__file__).resolve().parent / "boards"
DEFAULT = "mcf5208"
KERNEL_GIVEN = "2.6.30"  # the one flavour that Debian has no source of


class MachineError(Exception):
    """What was waited for, and the last that the board said; or what is missing to switch it on."""


@dataclass(frozen=True)
class Kind:
    """What machine.toml says."""

    qemu: str
    package: str
    arguments: list[str]
    forms: list[str]
    agent_device: str
    spare_device: str
    ram_mb: int
    flavours: dict[str, list[str]]
    given: dict[str, str] = field(default_factory=dict)

    @property
    def has_spare_line(self) -> bool:
        return self.spare_device != self.agent_device

    @property
    def flavours_built(self) -> list[str]:
        """All that need nothing from the user."""
        return [flavour for flavour in self.flavours if flavour not in self.given]

    @property
    def default_flavour(self) -> str:
        return next(iter(self.flavours))

    def command(self, out: Path, flavour: str, form: str, forwards: str = "") -> list[str]:
        """QEMU's arguments, without those for the serial lines' ends."""
        if flavour not in self.flavours or form not in self.forms:
            known = ", ".join([*self.flavours, *self.forms])
            raise MachineError(f"no {flavour} with programs as {form} on this board; it has: {known}")
        words = [*self.arguments, *self.flavours[flavour]]
        return [word.format(out=out, form=form, forwards=forwards) for word in words]


def names() -> list[str]:
    """All boards, the default first."""
    return sorted(
        (path.parent.name for path in BOARDS.glob("*/machine.toml")), key=lambda name: (name != DEFAULT, name)
    )


def out_of(board: str) -> Path:
    """The folder into which `make board` builds it."""
    return TOP / "build" / ("board" if board == DEFAULT else f"board-{board}")


def kind_of(out: Path) -> Kind:
    """Of the board that was built into this folder."""
    try:
        text = (out / "machine.toml").read_text()
    except FileNotFoundError:
        raise MachineError(f"no board in {out}; run `{make_board(out)}` first") from None
    return Kind(**tomllib.loads(text))


def kind_named(board: str) -> Kind:
    """Of a board that may not have been built."""
    return Kind(**tomllib.loads((BOARDS / board / "machine.toml").read_text()))


def make_board(out: Path) -> str:
    """The command that fills the folder."""
    board = out.name.removeprefix("board").removeprefix("-")
    return f"make board BOARD={board}" if board in names() else "make board"


def artefacts(out: Path, flavour: str, form: str) -> list[Path]:
    """What QEMU is given of the folder; MachineError with what to do where it is not there, or does not go together."""
    if (flavour, form) == (KERNEL_GIVEN, "elf"):
        raise MachineError("Linux 2.6.30 cannot load ELF programs without an MMU (5.19 can); take the form flat")
    kind = kind_of(out)
    command = " ".join([make_board(out), *filter(None, [kind.given.get(flavour)])])
    paths = [Path(word) for word in kind.command(out, flavour, form) if word.startswith(f"{out}/")]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise MachineError(f"{' and '.join(missing)} not in {out}; run `{command}` first")
    return paths
