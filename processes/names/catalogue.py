"""Processes by name: what the command line, recipes and files mean when they say `rrxor` or `mess3(x=0.15,
a=0.6)`.
"""

import ast
import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .. import zoo
from ..compose import product
from ..process import Process, ProcessError
from ..process_file import read
from ..tasks.question import Question, written_question
from ..values.checks import checked
from ..values.record import Record
from .derived import derived

Source = Process | Question
"""What words may come from."""


@dataclass(frozen=True)
class Entry(Record):
    """A family of processes and the parameter sets that papers use; the first set is what the bare name
    means.
    """

    build: Callable[..., Process]
    published: Mapping[str, Mapping[str, Any]]  # numbers, or lists of them

    @property
    def summary(self) -> str:
        """First line of the family's docstring."""
        return (self.build.__doc__ or "").strip().partition("\n")[0]

    @property
    def sets(self) -> dict[str, str]:
        """The published parameter sets as one writes them: {"half": "p=0.5"}."""
        return {
            label: ", ".join(f"{k}={_written(v)}" for k, v in values.items())
            for label, values in self.published.items()
        }


CATALOGUE: Mapping[str, Entry] = {
    "coin": Entry(zoo.coin, {"fair": dict(p=0.5)}),
    "golden_mean": Entry(zoo.golden_mean, {"half": dict(p=0.5)}),
    "even": Entry(zoo.even, {"half": dict(p=0.5)}),
    "zero_one_random": Entry(zoo.zero_one_random, {"half": dict(p=0.5)}),
    "rrxor": Entry(zoo.rrxor, {"shai2024": dict(p1=0.5, p2=0.5)}),
    "leaky_rrxor": Entry(zoo.leaky_rrxor, {"tenth": dict(p1=0.5, p2=0.5, epsilon=0.1)}),
    "sns": Entry(zoo.sns, {"half": dict(p=0.5, q=0.5)}),
    "nemo": Entry(zoo.nemo, {"half": dict(p=0.5, q=0.5)}),
    "random_insertion": Entry(zoo.random_insertion, {"half": dict(p=0.5, q=0.5)}),
    "mess3": Entry(zoo.mess3, {"shai2024": dict(x=0.05, a=0.85), "piotrowski2025": dict(x=0.15, a=0.6)}),
    "mess": Entry(zoo.mess, {"four": dict(x=0.05, a=0.85, s=4), "two": dict(x=0.15, a=0.8, s=2)}),
    "cycle": Entry(zoo.cycle, {"five": dict(n=5, p=0.75)}),
    "matching_parens": Entry(
        zoo.matching_parens,
        {"depth3": dict(open=[1.0, 0.5, 0.5]), "depth5": dict(open=[1.0, 0.5, 0.5, 0.5, 0.5])},
    ),
    "checksum": Entry(
        zoo.checksum,
        {"xor": dict(P=[[0.5, 0.5], [0.5, 0.5]]), "ternary": dict(P=[[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]])},
    ),
    "fanizza": Entry(zoo.fanizza, {"riechers2025": dict(alpha=2000.0, lam=0.49)}),
    "moon": Entry(zoo.moon, {"riechers2025": dict(alpha=math.e, beta=0.5)}),
    "bloch_walk": Entry(zoo.bloch_walk, {"riechers2025": dict(a=1.0, b=3.0)}),
    "quantum_rrxor": Entry(
        zoo.quantum_rrxor,
        {
            "weak": dict(phi=math.pi / 3, theta=math.pi / 4),
            "sharp": dict(phi=math.pi / 3, theta=0.0),
            "blind": dict(phi=math.pi / 3, theta=math.pi / 2),
        },
    ),
}


MOST_ENTRIES = 30_000_000
"""Entries of T in a product by name: 240 MB, enough for three Mess3 and two Bloch walks (Shai et al. 2026).
"""
NOT_ERGODIC: Mapping[str, Entry] = {
    "uniform_coin": Entry(zoo.uniform_coin, {"six": dict(n=6)}),
}
"""Members that differ for ever by a choice made at the start, so that averages over time are not averages
over words.
"""


@checked
def named(spec: str) -> Process:
    """The process that `spec` means: `name`, `name:published_set`, `name(parameter=value, ...)`, a path that
    ends in .json, or one derived from any of these, such as `decoy(rrxor)` (see `derived`).

    `A * B` means the product of independent processes A and B. Values are numbers or lists of them, as in
    `matching_parens(open=[1, .5, .5])`. Raises `ProcessError` on an unknown name or set (with the nearest
    known one), on wrong or missing parameters, on values that make no process, and on a file that holds none.
    """
    return _read(spec) if ".json" in spec else _remembered(spec)  # a file may hold another process tomorrow


def _read(spec: str) -> Process:
    if written_question(spec) is not None:
        raise ProcessError(
            f"{spec.strip()} asks for one symbol after a word with too many hidden states to write, and this "
            "needs a process; "
            "recipes take it, and claims CL1, CL4 and CL8 take a ledger"
        )
    if (process := derived(spec, named)) is not None:
        return process
    if spec.endswith(".json") and not (" * " in spec and not Path(spec).exists()):
        return read(spec)
    if " * " in spec:
        return product([named(factor) for factor in spec.split(" * ")]).process(max_entries=MOST_ENTRIES)
    name, parameters = _parse(spec)
    entry = _look_up(name, {**CATALOGUE, **NOT_ERGODIC}, "process", "`toylab list` shows them all")
    if isinstance(parameters, str):
        chosen = parameters or next(iter(entry.published))
        parameters = _look_up(
            chosen, entry.published, f"published parameter set of {name}", "or write its parameters out"
        )
    expected = set(next(iter(entry.published.values())))
    if set(parameters) != expected:
        given = ", ".join(sorted(parameters)) or "none"
        raise ProcessError(
            f"{name} takes the parameters {', '.join(sorted(expected))}, but {spec!r} gives {given}"
        )
    template = next(iter(entry.published.values()))
    parameters = {k: _like(template[k], v, f"the parameter {k} of {name}") for k, v in parameters.items()}
    try:
        return entry.build(**parameters)
    except ProcessError as error:
        raise ProcessError(f"{spec} is no process: {error}") from None


_remembered = lru_cache(maxsize=64)(
    _read
)  # recipes ask for their process many times, and a protocol takes a tenth of a second to build


@checked
def source(spec: str) -> Source:
    """What `spec` means where more than processes are understood: a process (see `named`), or a question (see
    `constraints.written_question`), `ledger(K=32, g=4, p=0.5)` or `xorsat(n=10, k=3, m=9)`.

    Raises `ProcessError` where neither can be read.
    """
    return written_question(spec) or named(spec)


def _parse(spec: str) -> tuple[str, dict[str, Any] | str]:
    if "(" not in spec:
        name, _, published = spec.partition(":")
        return name.strip(), published.strip()
    try:
        call = ast.parse(spec.strip(), mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)) or call.args:
            raise ValueError
        if len({k.arg for k in call.keywords}) < len(call.keywords):  # a parameter given twice
            raise ValueError
        return call.func.id, {str(k.arg): _value(k.value) for k in call.keywords}
    except (SyntaxError, ValueError, TypeError, ArithmeticError):
        raise ProcessError(
            f"cannot read the process {spec!r}; write it like rrxor, mess3:shai2024 or mess3(x=0.05, a=0.85)"
        ) from None


def _value(node: ast.expr) -> Any:
    """A literal, in which numbers may be fractions: 1/3 is the float64 next to it, as 0.5 and 1/2 are one
    number.
    """
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(part) for part in node.elts]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _value(node.left) / _value(node.right)
    return ast.literal_eval(node)


def _like(template: Any, value: Any, what: str) -> Any:
    """`value` in the type of `template`: an integer, a float, or a (nested) list of floats; raises
    `ProcessError` if it cannot be.
    """
    if isinstance(template, list):
        if not isinstance(value, list | tuple):
            raise ProcessError(f"{what} is {value!r}; it must be a list, like {_written(template)}")
        return [_like(template[0], v, what) for v in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProcessError(f"{what} is {value!r}; it must be a number, like {_written(template)}")
    if isinstance(template, int) and value != int(value):
        raise ProcessError(f"{what} is {value!r}; it must be a whole number, like {template}")
    try:
        return type(template)(value)
    except OverflowError:
        raise ProcessError(f"{what} is too large for a float; give a smaller number") from None


def _written(value: Any) -> str:
    """A parameter as one would type it, to six digits."""
    return f"[{', '.join(map(_written, value))}]" if isinstance(value, list | tuple) else f"{value:g}"


def _look_up(name: str, table: Mapping, what: str, otherwise: str):
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(table)};"
    raise ProcessError(f"there is no {what} called {name!r}; {hint} {otherwise}")
