"""The command `toylab completion`: a script by which a shell completes commands, flags, and what they take.

What there is to complete is read from the help of every command, so that it cannot say anything else; names
of processes, claims and experiments are those of today. The script asks nothing when a key is pressed.
"""

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from rich.console import Console
from tyro.conf import Positional

from .arguments import parse
from .listing import entries

Run = Callable[[list[str], Console], int]
"""How a command is run: with its arguments, printing to a console."""
Shell = Literal["bash", "zsh", "fish"]
KINDS = ("model:transformer-config", "model:recurrent-config")
"""Kinds of model, whose flags stand in a help of their own."""
FIRST = {
    "process": ("processes",),
    "run": ("experiments", "processes"),
    "sweep": ("experiments", "processes"),
    "claim": ("claims",),
    "report": ("claims",),
    "figure": ("claims",),
    "reproduce": ("claims",),
}
"""What the words after a command name, beside files."""
NAMING = {"--process": "processes", "--among": "processes", "--over": "over"}
"""Flags whose values are names."""


@dataclass(frozen=True)
class Options:
    """Print what makes a shell complete `toylab`. Put it where the shell looks for such files, once:

    bash: toylab completion bash > ~/.local/share/bash-completion/completions/toylab

    zsh: toylab completion zsh > ~/.toylab-completion.zsh; echo source ~/.toylab-completion.zsh >> ~/.zshrc

    fish: toylab completion fish > ~/.config/fish/completions/toylab.fish

    bash without the package bash-completion: write it anywhere, and source it in ~/.bashrc.
    """

    shell: Positional[Shell]
    """Which shell."""


@dataclass
class Command:
    """What can follow a command."""

    said: str
    words: list[str] = field(default_factory=list)
    flags: dict[str, list[str]] = field(default_factory=dict)
    """The values of a flag, where they are few."""


def completion(argv: list[str], there: Mapping[str, Run]) -> int:
    """Run the command, for the commands that are there; returns its exit status."""
    print(SCRIPTS[parse(Options, argv, "toylab completion").shell](commands(there)), end="")
    return 0


def commands(there: Mapping[str, Run]) -> dict[str, Command]:
    """Every command, as its help describes it."""
    names = {kind: [next(iter(entry.values())) for entry in found] for kind, found in entries().items()}
    return {name: _command(name, made, names) for name, made in there.items()}


def _command(name: str, made: Run, names: Mapping[str, list[str]]) -> Command:
    found = Command(
        (made.__doc__ or "").partition("\n")[0],
        [word for kind in FIRST.get(name, ()) for word in names[kind]],
    )
    trained = ["mess3"] if name in ("run", "sweep") else []
    helps = [_help(made, *trained)] + [_help(made, *trained, kind) for kind in KINDS if trained]
    for row in (row.lstrip("│| ") for help in helps for row in help.splitlines()):
        if row.startswith("-"):
            flags = re.findall(r"(?<!\S)--?[a-z][\w.-]*", row.partition("  ")[0])
            few = re.search(r"\{([^}]*)\}", row.partition("  ")[0])
            for flag in flags:
                values = (
                    few[1].split(",") if few and "None" not in few[1] else names.get(NAMING.get(flag, ""), [])
                )
                found.flags.setdefault(flag, values)
        elif choices := re.match(r"\[?\{([^}]*)\}\]?", row):
            found.words += choices[1].split(",")
    found.words = list(dict.fromkeys([*found.words, *(KINDS if trained else [])]))
    if "--over" in found.flags:
        found.flags["--over"] = [f"{flag[2:]}=" for flag in found.flags if "." in flag or flag in OVER]
    return found


OVER = ("--process", "--objective", "--steps", "--batch", "--seeds", "--first-seed", "--checkpoints")
"""Fields of a recipe that are swept over by the names of their flags."""


def _help(made: Run, *words: str) -> str:
    """The help of a command, in rows that are not broken."""
    text, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "1000"
    try:
        with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
            made([*words, "--help"], Console(file=text))
    finally:
        del os.environ["COLUMNS"]
        if columns is not None:
            os.environ["COLUMNS"] = columns
    return text.getvalue()


def bash(found: Mapping[str, Command]) -> str:
    """A script for bash (3.2 or later)."""
    flags, free = _branches(found, _quoted)
    return f"""# What follows `toylab`; written by `toylab completion`.
_toylab() {{
  local line="${{COMP_LINE:0:COMP_POINT}}" offered= flags= command="${{COMP_WORDS[1]}}" before after
  # The word as it is typed: bash would part it at : and =, and completes what stands behind these.
  local typed="${{line##*[[:space:]]}}" rest="${{line%[[:space:]]*}}"
  before="${{rest##*[[:space:]]}}" after="$typed"
  [[ "$COMP_WORDBREAKS" == *:* ]] && after="${{after##*:}}"
  [[ "$COMP_WORDBREAKS" == *=* ]] && after="${{after##*=}}"
  COMPREPLY=()
  if [[ "$rest" != *[[:space:]]* ]]; then
    COMPREPLY=($(compgen -W {_quoted([*found, "--help", "--version"])} -- "$typed"))
    return
  fi
  local cut="${{typed%"$after"}}" i
  if [[ "$typed" == --*=* ]]; then
    before="${{typed%%=*}}"
    cut="${{cut#"$before"=}}"
    typed="${{typed#*=}}"
  fi
  case "$command $before" in
{flags}
  esac
  if [[ -z "$offered" ]]; then
    case "$command" in
{free}
    esac
    if [[ "$typed" == -* ]]; then offered="$flags"; fi
  fi
  COMPREPLY=($(compgen -W "$offered" -- "$typed"))
  for i in "${{!COMPREPLY[@]}}"; do COMPREPLY[i]="${{COMPREPLY[i]#"$cut"}}"; done
  [[ "${{#COMPREPLY[@]}}" -eq 1 && "${{COMPREPLY[0]}}" == *= ]] && compopt -o nospace 2>/dev/null
  return 0
}}
complete -o default -F _toylab toylab
"""


def zsh(found: Mapping[str, Command]) -> str:
    """A script for zsh."""
    flags, free = _branches(found, lambda words: f"({_each(words)})")
    return f"""# What follows `toylab`; written by `toylab completion`.
_toylab() {{
  local command="$words[2]" before="$words[CURRENT-1]" typed="$words[CURRENT]"
  local -a offered flags
  if (( CURRENT == 2 )); then
    compadd -- {_each([*found, "--help", "--version"])}
    return
  fi
  if [[ "$typed" == --*=* ]]; then
    before="${{typed%%=*}}"
    compset -P '--*='
  fi
  case "$command $before" in
{flags}
  esac
  if (( ! $#offered )); then
    case "$command" in
{free}
    esac
    if [[ "$typed" == -* && "$typed" != *=* ]]; then offered=($flags); fi
  fi
  # A word that ends in = goes on behind it.
  compadd -S '' -- ${{(M)offered:#*=}}
  compadd -- ${{offered:#*=}} || (( compstate[nmatches] )) || _files
}}
(( $+functions[compdef] )) || {{ autoload -Uz compinit && compinit }}
compdef _toylab toylab
"""


def _branches(found: Mapping[str, Command], listed: Callable[[Iterable[str]], str]) -> tuple[str, str]:
    """What a shell offers, in branches of a `case`: behind a command and its flag, and behind a command."""
    flags = [
        f"    {name}\\ {flag}) offered={listed(values)} ;;"
        for name, command in found.items()
        for flag, values in command.flags.items()
        if values
    ]
    free = [
        f"    {name}) offered={listed(command.words)}; flags={listed(command.flags)} ;;"
        for name, command in found.items()
    ]
    return "\n".join(flags), "\n".join(free)


def fish(found: Mapping[str, Command]) -> str:
    """A script for fish."""
    lines = [
        "# What follows `toylab`; written by `toylab completion`.",
        "function __toylab_is",  # the second word alone says which command it is: others may be its arguments
        "    set -l said (commandline -opc)",
        '    test "$said[2]" = "$argv[1]"',
        "end",
    ]
    for name, command in found.items():
        here = f"-n '__toylab_is {name}'"
        lines.append(f"complete -c toylab -n '__toylab_is \"\"' -f -a {name} -d {_quoted([command.said])}")
        if command.words:
            only = "" if name in FIRST else " -f"  # no files beside what is all that can follow
            lines.append(f"complete -c toylab {here}{only} -a {_quoted(command.words)}")
        for flag, values in command.flags.items():
            how = f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"
            lines.append(f"complete -c toylab {here} {how}" + (f" -x -a {_quoted(values)}" if values else ""))
    return "\n".join(lines) + "\n"


def _each(words: Iterable[str]) -> str:
    """Words parted by spaces, each in single quotes."""
    return " ".join(_quoted([word]) for word in words)


def _quoted(words: Iterable[str]) -> str:
    """Words parted by spaces, in single quotes."""
    return "'" + " ".join(words).replace("'", "'\\''") + "'"


SCRIPTS: dict[Shell, Callable[[Mapping[str, Command]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
