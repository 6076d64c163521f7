"""The completion for bash, from what the command line takes.

Names of boards are not completed: they come from boards, and bash would expand what is in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from options import Argument, Command

# -o default: where nothing is proposed, readline proposes files; `compopt +o default` takes that back.
_BEGIN = """\
# Completion of buddywatch for bash. Made from its argument parser by scripts/wheel/completion.py.
_buddywatch()
{
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' options words i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        %(with_value)s) ((i++)) ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    # bash takes --option=value as three words.
    if [[ $current == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 1]} current=''
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $command in
"""
_END = """\
    *) return ;;
    esac
    for ((i++; i < COMP_CWORD; i++)); do
        [[ " $words " != *" ${COMP_WORDS[i]} "* ]] || words=''
    done
    if [[ $current == -* ]]; then
        words=$options
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    [[ ${#COMPREPLY[@]} -gt 0 || $words == '' ]] || _buddywatch_no_files
}

_buddywatch_no_files()
{
    compopt +o default 2>/dev/null
}

complete -o default -F _buddywatch buddywatch
"""


def script(program: Command, commands: Iterable[Command]) -> str:
    known = list(commands)
    with_value = _names(option for option in program.options if option.value)
    lines = [_BEGIN % {"with_value": with_value}]
    lines += [f"{line}\n" for line in _case("''", program, [command.name for command in known])]
    for command in known:
        lines += [f"{line}\n" for line in _case(command.name, command, _choices(command.positional))]
    return "".join([*lines, _END])


def _case(pattern: str, command: Command, words: Iterable[str]) -> Iterator[str]:
    """One command: the value of the option before the cursor, else its options and words."""
    yield f"    {pattern})"
    yield f"        options='{' '.join(name for option in command.options for name in option.names)}'"
    yield f"        words='{' '.join(words)}'"
    yield "        case $before in"
    files = [option for option in command.options if option.is_file]
    others = [option for option in command.options if option.value and option not in files]
    for option in others:
        if option.choices:
            yield f"        {_names([option])}) options='' words='{' '.join(option.choices)}' ;;"
    yield f"        {_names(files)}) return ;;"
    if typed := [option for option in others if not option.choices]:
        yield f"        {_names(typed)}) _buddywatch_no_files; return ;;"
    yield "        esac"
    if not words and not any(argument.is_file for argument in command.positional):
        yield "        _buddywatch_no_files"
    yield "        ;;"


def _names(options: Iterable[Argument]) -> str:
    return "|".join(name for option in options for name in option.names)


def _choices(arguments: Iterable[Argument]) -> list[str]:
    return [choice for argument in arguments for choice in argument.choices]
