"""Which module may import which, what the agent's dialect allows, and how long files and functions may be."""

import ast
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
AGENT = TOP / "agent" / "buddyd"
HOST = TOP / "host" / "buddywatch"
AGENT_FILES = sorted(AGENT.rglob("*.py"))
HOST_FILES = sorted(HOST.rglob("*.py"))
TEST_FILES = sorted((TOP / "tests").rglob("*.py"))
SCRIPT_FILES = sorted((TOP / "scripts").rglob("*.py"))

# Built into MicroPython's unix port, and into the small build for boards; hashlib for talk/secret.py only.
IO_MODULES = {"select", "socket", "os", "termios", "time"}
MICROPYTHON_MODULES = IO_MODULES | {"binascii", "errno", "gc", "hashlib", "struct", "sys"}
# compat chooses between the interpreters, so this room alone names what only one of them has.
COMPAT = AGENT / "compat"
COMPAT_MODULES = MICROPYTHON_MODULES | {"micropython", "fdio", "syscalls", "ffi", "signal", "ctypes", "fcntl", "mmap"}
# What both ends must do alike: the format, the kernel's rule and its messages, telnet, and the proof of a secret.
SHARED_WITH_HOST = {
    "wire",
    "wire_read",
    "wire_host",
    "watermark",
    "sources.kernel_messages",
    "links.telnet_filter",
    "talk.secret",
}
# The rooms of the host by floor, see docs/architecture.md: a module imports from lower floors and its own room only.
FLOORS = {
    "model": 0,
    "protocol": 1,
    "verdict": 1,
    "text": 2,
    "kernel_text": 2,
    "pictures": 3,
    "explain": 3,
    "doctor": 3,
    "recorded": 3,
    "config": 3,
    "links": 4,
    "store": 4,
    "alerts": 5,
    "notify": 5,
    "bridge": 6,
    "replay": 6,
    "terminal": 6,
    "fleet": 7,
    "report": 7,
    "collect": 7,
    "web": 8,
    "commands": 9,
    "cli": 10,
    "__main__": 11,
}
# The same for the board: `sources` and `talk` know no link, `links` start conversations.
AGENT_FLOORS = {
    "__init__": 0,
    "compat": 1,
    "wire": 1,
    "wire_host": 2,
    "wire_read": 2,
    "watermark": 1,
    "ring": 2,
    "sources": 2,
    "sample": 3,
    "talk": 3,
    "options": 4,
    "actions": 4,
    "guard": 4,
    "agent": 5,
    "links": 6,
    "loop": 6,
    "start": 7,
    "__main__": 8,
}
FILE_LINES_MAX = 320
FUNCTION_LINES_MAX = 45


def imports(source: str, package: str = "") -> set[str]:
    """The modules that a source imports, dotted: `from a import b` gives a and a.b; relative ones start at package."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return found


@cache
def imports_of(path: Path, root: Path) -> frozenset[str]:
    return frozenset(imports(path.read_text(), ".".join(path.relative_to(root.parent).parent.parts)))


def top_levels(modules: Iterable[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def buddyd_modules(modules: Iterable[str]) -> set[str]:
    """The modules of the agent among the imported names, without `buddyd.`; packages and no packages."""
    names = {module.removeprefix("buddyd.") for module in modules}
    return {name for name in names if (AGENT / f"{name.replace('.', '/')}.py").exists()}


def dialect_errors(source: str) -> Iterator[str]:
    """What a core-level MicroPython cannot compile, what makes a float, or what costs heap for nothing."""
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.JoinedStr):
            yield f"line {line}: f-string"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield f"line {line}: float"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield f"line {line}: / makes a float, use //"
        elif isinstance(node, ast.Set | ast.SetComp):
            yield f"line {line}: set"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "super":
            yield f"line {line}: super() makes the method a closure, 32 bytes of heap; name the base"
        elif isinstance(node, ast.Match):
            yield f"line {line}: match"
        elif isinstance(node, ast.arguments) and node.posonlyargs:
            yield f"line {node.posonlyargs[0].lineno}: positional-only parameter"
        elif isinstance(node, ast.FunctionDef) and any(isinstance(d, ast.Name) for d in node.decorator_list):
            yield f"line {line}: decorator"


def too_long(source: str) -> Iterator[str]:
    """Files and functions over the limit, as text."""
    if (count := len(source.splitlines())) > FILE_LINES_MAX:
        yield f"file: {count} lines, at most {FILE_LINES_MAX}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield f"{node.name}: {lines} lines, at most {FUNCTION_LINES_MAX}"


def relative(path: Path) -> str:
    return str(path.relative_to(TOP))


def wrong(paths: Iterable[Path], errors: Callable[[Path], Iterable[object]]) -> dict[str, list[object]]:
    """What is wrong in which file. One test looks at all of them: one for each would take longer than the looking."""
    found = {relative(path): list(errors(path)) for path in paths}
    return {name: of_file for name, of_file in found.items() if of_file}


def test_agent_imports_only_what_micropython_has() -> None:
    def others(path: Path) -> set[str]:
        allowed = COMPAT_MODULES if path.parent == COMPAT else MICROPYTHON_MODULES
        return top_levels(imports_of(path, AGENT)) - allowed - {"buddyd"}

    assert wrong(AGENT_FILES, others) == {}


def test_agent_keeps_to_its_dialect() -> None:
    assert wrong(AGENT_FILES, lambda path: dialect_errors(path.read_text())) == {}


def test_agent_asks_for_the_interpreter_in_compat_only() -> None:
    asks = re.compile(r"sys\.implementation|\bMICROPYTHON\b")
    elsewhere = [path for path in AGENT_FILES if path.parent != COMPAT]
    assert wrong(elsewhere, lambda path: asks.findall(path.read_text())) == {}


def test_host_imports_only_the_shared_modules_of_the_agent() -> None:
    def others(path: Path) -> set[str]:
        found = imports_of(path, HOST)
        agent_names = buddyd_modules(found)
        return agent_names - SHARED_WITH_HOST or ({"buddyd"} & found if not agent_names else set())

    assert wrong(HOST_FILES, others) == {}


def module_names(root: Path) -> dict[str, Path]:
    """The modules of a package, dotted, without the package's own name: "links.base"."""
    return {".".join(path.relative_to(root).with_suffix("").parts): path for path in sorted(root.rglob("*.py"))}


def imported_modules(path: Path, root: Path, names: Iterable[str]) -> set[str]:
    """Which of the package's own modules a file imports."""
    found = {module.removeprefix(f"{root.name}.") for module in imports_of(path, root)}
    return {name for name in names if name in found or (name.endswith(".__init__") and name[:-9] in found)}


def room(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize(("root", "floors"), [(AGENT, AGENT_FLOORS), (HOST, FLOORS)], ids=["agent", "host"])
def test_rooms_import_downwards_only(root: Path, floors: dict[str, int]) -> None:
    names = module_names(root)
    assert {room(name) for name in names} - {"__init__"} == set(floors) - {"__init__"}
    upwards = [
        f"{name} (floor {floors[room(name)]}) imports {other} (floor {floors[room(other)]})"
        for name, path in names.items()
        if name != "__init__"
        for other in imported_modules(path, root, names)
        if room(other) != room(name) and floors[room(other)] >= floors[room(name)]
    ]
    assert upwards == []


@pytest.mark.parametrize("root", [AGENT, HOST], ids=["agent", "host"])
def test_no_room_has_a_circle(root: Path) -> None:
    names = module_names(root)
    needs = {
        name: {other for other in imported_modules(path, root, names) if room(other) == room(name)} - {name}
        for name, path in names.items()
        if not name.endswith("__init__")
    }
    while free := [name for name, others in needs.items() if not others & set(needs)]:
        for name in free:
            del needs[name]
    assert needs == {}


@pytest.mark.parametrize("root", [AGENT, HOST], ids=["agent", "host"])
def test_each_room_says_what_it_takes_gives_and_touches(root: Path) -> None:
    for path in root.glob("*/__init__.py"):
        text = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert all(start in text for start in ("In: ", "Out: ", "May touch: ")), path


@pytest.mark.parametrize("name", sorted(SHARED_WITH_HOST))
def test_shared_module_does_no_io(name: str) -> None:
    pending, seen = {name}, set()
    while pending:
        module = pending.pop()
        seen.add(module)
        found = imports_of(AGENT / f"{module.replace('.', '/')}.py", AGENT)
        assert top_levels(found) & IO_MODULES == set(), f"buddyd.{module}, imported by buddyd.{name}"
        pending |= buddyd_modules(found) - seen


@pytest.mark.parametrize(
    ("module", "home"),
    [
        pytest.param("smtplib", r"notify/smtp_attempt\.py", id="smtplib"),
        pytest.param("sqlite3", r"store/\w+\.py", id="sqlite3"),
        pytest.param("serial", r"links/serial\w*\.py", id="serial"),
        pytest.param("buddywatch.cli", r"__main__\.py", id="cli"),
        pytest.param("buddywatch.collect.loop", r"(commands/collect|collect/loop)\.py", id="collector"),
    ],
)
def test_module_is_imported_only_at_home(module: str, home: str) -> None:
    users = {str(path.relative_to(HOST)) for path in HOST_FILES if module in imports_of(path, HOST)}
    assert {user for user in users if not re.fullmatch(home, user)} == set()


def test_nothing_private_of_smtplib_is_replaced() -> None:
    """What is private there may change with every release of Python."""
    replaced = [
        f"{path.name}: {function.name}"
        for path in HOST_FILES
        if "smtplib." in path.read_text()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and any("smtplib." in ast.unparse(base) for base in node.bases)
        for function in node.body
        if isinstance(function, ast.FunctionDef) and re.match(r"_(?!_)", function.name)
    ]
    assert replaced == []


def test_tests_use_no_mocks() -> None:
    speaking_of_it = [path for path in TEST_FILES if "mock" in path.read_text()]
    assert wrong(speaking_of_it, lambda path: {name for name in imports(path.read_text()) if "mock" in name}) == {}


def test_files_and_their_functions_are_short() -> None:
    files = [*AGENT_FILES, *HOST_FILES, *SCRIPT_FILES, *TEST_FILES]
    assert wrong(files, lambda path: too_long(path.read_text())) == {}


def test_modules_that_the_agent_unloads_are_where_it_says() -> None:
    """buddyd.forget() passes over what was never loaded, and so over a name that is wrong."""
    pattern = re.compile(r'\("(buddyd[.\w]*)", "(\w+)"\)')
    named = [module for path in AGENT_FILES for module in pattern.findall(path.read_text())]
    assert len(named) > 10
    assert [name for room, name in named if not (AGENT.parent / room.replace(".", "/") / f"{name}.py").exists()] == []


def test_versions_agree() -> None:
    agent = re.search(r'^VERSION = "(.+)"$', (AGENT / "__init__.py").read_text(), re.MULTILINE)
    host = re.search(r'^__version__ = "(.+)"$', (HOST / "__init__.py").read_text(), re.MULTILINE)
    assert agent and host and agent[1] == host[1]


def test_banned_names_do_not_ban_what_the_agent_may_import() -> None:
    config = tomllib.loads((TOP / "pyproject.toml").read_text())
    banned = set(config["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"])
    assert banned & MICROPYTHON_MODULES == set()
