"""Processes by name: what the command line, recipes and files mean when they say `rrxor` or `mess3(x=0.15, a=0.6)`."""

import ast
import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import zoo
from .process import Process, ProcessError


@dataclass(frozen=True)
class Entry:
    """A family of processes and the parameter sets that papers use; the first set is what the bare name means."""

    build: Callable[..., Process]
    published: Mapping[str, Mapping[str, float]]

    @property
    def summary(self) -> str:
        """First line of the family's docstring."""
        return (self.build.__doc__ or "").strip().splitlines()[0]


CATALOGUE: Mapping[str, Entry] = {
    "coin": Entry(zoo.coin, {"fair": dict(p=0.5)}),
    "golden_mean": Entry(zoo.golden_mean, {"half": dict(p=0.5)}),
    "even": Entry(zoo.even, {"half": dict(p=0.5)}),
    "zero_one_random": Entry(zoo.zero_one_random, {"half": dict(p=0.5)}),
    "rrxor": Entry(zoo.rrxor, {"shai2024": dict(p1=0.5, p2=0.5)}),
    "sns": Entry(zoo.sns, {"half": dict(p=0.5, q=0.5)}),
    "nemo": Entry(zoo.nemo, {"half": dict(p=0.5, q=0.5)}),
    "random_insertion": Entry(zoo.random_insertion, {"half": dict(p=0.5, q=0.5)}),
    "mess3": Entry(zoo.mess3, {"shai2024": dict(x=0.05, a=0.85), "piotrowski2025": dict(x=0.15, a=0.6)}),
}


def named(spec: str) -> Process:
    """The process that `spec` means: `name`, `name:published_set` or `name(parameter=value, ...)`.

    Raises `ProcessError` on an unknown name or set (with the nearest known one), on wrong or missing parameters, and on values
    that make no process.
    """
    name, parameters = _parse(spec)
    entry = _look_up(name, CATALOGUE, "process", "`toylab list` shows them all")
    if isinstance(parameters, str):
        chosen = parameters or next(iter(entry.published))
        parameters = _look_up(chosen, entry.published, f"published parameter set of {name}", "or write its parameters out")
    expected = set(next(iter(entry.published.values())))
    if set(parameters) != expected:
        given = ", ".join(sorted(parameters)) or "none"
        raise ProcessError(f"{name} takes the parameters {', '.join(sorted(expected))}, but {spec!r} gives {given}")
    try:
        return entry.build(**parameters)
    except ProcessError as error:
        raise ProcessError(f"{spec} is no process: {error}") from None


def _parse(spec: str) -> tuple[str, dict[str, float] | str]:
    if "(" not in spec:
        name, _, published = spec.partition(":")
        return name.strip(), published.strip()
    try:
        call = ast.parse(spec.strip(), mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)) or call.args:
            raise ValueError
        return call.func.id, {str(k.arg): float(ast.literal_eval(k.value)) for k in call.keywords}
    except (SyntaxError, ValueError, TypeError):
        raise ProcessError(f"cannot read the process {spec!r}; write it like rrxor, mess3:shai2024 or mess3(x=0.05, a=0.85)") from None


def _look_up(name: str, table: Mapping, what: str, otherwise: str):
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(table)};"
    raise ProcessError(f"there is no {what} called {name!r}; {hint} {otherwise}")
