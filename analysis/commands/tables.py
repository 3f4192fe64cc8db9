"""What a terminal shows of runs and verdicts: the tables of a report."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..claim import DEFAULT, MARKS, Finding, Kept, Verdict, counted, must, spread, told
from .terminal import printable

OUTCOME_STYLE = {
    "supported": "bold green",
    "refuted": "bold red",
    "explained": "bold magenta",
    "undecided": "bold yellow",
    "invalid": "bold yellow",
}
UNBOUNDED = 10_000
"""Letters in a line where a table is asked how narrow it can be."""


def report(values: dict[str, Any], console: Console) -> None:
    """Print the tables of a finished run from its report.json."""
    values = printable(values)
    recipe, excess = values["recipe"], values["excess"]
    console.print(Text(values["question"], style="bold"))
    console.print(
        f"{values['process']}, {recipe['seeds']} networks, {_steps(recipe)}, {recipe['objective']} "
        f"objective, recipe {values['hash']}"
    )
    made(values.get("made", ()), console)
    console.print(
        f"KL to the exact predictor on {_contexts(values)}: {_span(excess['trained'], '.1e')} nats per token "
        f"(untrained {_span(excess['untrained'], '.1e')}; floor {values['floor']:z.6f})"
    )
    _unlearned(values, console)
    if values.get("sampled") is not None:
        (worst,) = sorted(values["excess_interval"], key=lambda i: i[2] - i[1])[-1:]
        console.print(
            f"contexts: {values['sampled']} words sampled; the widest 95 % interval of a network's KL is "
            f"{worst[1]:.1e} to {worst[2]:.1e} nats"
        )
    (_subsets if "subsets" in values else _layers)(values, console)
    verdicts(map(Kept.from_json, values["verdicts"]), console)
    for refused in values["refused"]:
        console.print(f"{refused['claim']} was not tested: {refused['reason']}")


def _steps(recipe: dict[str, Any]) -> str:
    """How long networks were trained: with the descent, where a finish followed it."""
    origin = recipe.get("origin")
    if origin and recipe["optimiser"]["name"] == "lbfgs":
        return f"{origin['recipe']['steps']} steps, then {recipe['steps']} of L-BFGS"
    return f"{recipe['steps']} steps"


def _unlearned(values: dict[str, Any], console: Console) -> None:
    """Print what share of what contexts are worth is not yet learned, and a warning where that is much."""
    shares, most = values.get("unlearned"), values.get("unlearned_at_most")
    if shares is None:  # a report of an earlier version, or contexts that are worth nothing
        return
    console.print(
        f"not yet learned: {_span(shares, '.1e')} of the {values['worth']:z.4f} nats that contexts are worth"
    )
    if far := sum(share > most for share in shares) if most is not None else 0:
        told = (
            f"{far} of {len(shares)} networks have more than {most:g} of it still to learn: the verdicts are "
            "of networks that are not trained to the floor; use --training sharp, or more --steps"
        )
        console.print(told, style="yellow", soft_wrap=True)


def made(legs: Sequence[dict[str, Any]], console: Console) -> None:
    """Print where a run was made, and that its bits are of several places if they are."""
    for i, leg in enumerate(legs):
        begun = "made with" if i == 0 else f"continued from step {leg['step']}, where last bits differ, with"
        told = ", ".join(f"{name} {value}" for name, value in leg["versions"].items())
        console.print(
            f"{begun} {told}", style="dim" if len(legs) == 1 else "yellow", highlight=False, markup=False
        )


SCORES = ("held-out R²", "untrained", "shuffled", "in sample", "RMSE", "gain over window")
"""Columns beside what is probed."""
SPARED = ("RMSE", "in sample", "gain over window", "shuffled", "untrained")
"""Those that go where there is no room for all, the first one first."""


def _layers(values: dict[str, Any], console: Console) -> None:
    """What is probed, one row each: its name is whole, and columns go until no number has to be broken."""
    rows = _probed(values)
    width = min(max(name.cell_len for name, _ in rows), console.width // 2)  # what is longer is folded
    for spared in range(len(SPARED) + 1):
        scores = [name for name in SCORES if name not in SPARED[:spared]]
        table = Table(title="Beliefs probed, histories held out", title_justify="left")
        table.add_column("features", overflow="fold", width=width)
        for score in scores:
            table.add_column(score)
        for name, row in rows:
            table.add_row(name, *(row.get(score, "") for score in scores))
        least = console.measure(table, options=console.options.update(width=UNBOUNDED)).minimum
        if least <= console.width:
            break
    console.print(table)
    if spared:
        console.print(f"({', '.join(SPARED[:spared])}: in report.json, or where there is more room)")


def _probed(values: dict[str, Any]) -> list[tuple[Text, dict[str, str]]]:
    """What is probed and its scores, by column: of networks first, then of what is no network."""
    rows = []
    for layer in values["layers"]:
        t, null = layer["trained"], layer["shuffled"]
        scores = {
            "held-out R²": _span(t["r2"]),
            "untrained": _span(layer["untrained"]["r2"]),
            "shuffled": _span([null["low"], null["high"]]),
            "in sample": _span(t["r2_in_sample"]),
            "RMSE": _span(t["rmse"]),
            "gain over window": _span(t["gain_over_token_window"], ".2f"),
        }
        rows.append((Text(layer["features"]), scores))
    of_none = {"held-out R²": "r2", "in sample": "r2_in_sample", "RMSE": "rmse"}
    for name, b in values["baselines"].items():
        label = Text(f"{name.replace('_', ' ')} (no network)", style="dim")
        rows.append((label, {score: f"{b[key]:z.3f}" for score, key in of_none.items()}))
    return rows


def _subsets(values: dict[str, Any], console: Console, most: int = 16) -> None:
    """The heaviest subsets of constraints; the report holds all."""
    title = "Constraints obeyed, networks from least to most"
    table = Table(
        "on",
        "load, nats",
        "violation mass",
        "over the base's",
        "KL to the optimum",
        "bodies that satisfy",
        title=title,
        title_justify="left",
    )
    ranked = sorted(values["subsets"], key=lambda s: -s["load"])
    for s in ranked[:most]:
        spans = (
            _span(s["violation"], ".1e"),
            _span(s["relative"], ".1e"),
            _span(s["divergence"], ".1e"),
            _span(s["satisfied"], ".2f"),
        )
        table.add_row(",".join(map(str, s["on"])), f"{s['load']:z.4f}", *spans)
    console.print(table)
    if len(ranked) > most:
        console.print(f"({len(ranked) - most} lighter subsets are in report.json)")


def verdicts(found: Iterable[Kept], console: Console) -> None:
    """Print verdicts with every criterion and control."""
    table = Table(
        "claim",
        "criterion or control",
        "mean, or how many [interval]",
        "networks",
        "must be",
        "",
        title="Verdicts",
        title_justify="left",
    )

    def remark(text: str, style: str) -> None:
        table.add_row("", Text(printable(text), style=style))

    for v in found:
        table.add_section()
        statement = printable(f"  {v.statement}")
        table.add_row(
            printable(v.claim),
            Text(printable(called(v)), style=OUTCOME_STYLE[v.outcome]).append(
                statement, style="not bold default"
            ),
        )
        if v.outcome != "supported":
            remark(v.reason, "italic")
        remark(_looked(v), "dim")
        mixed = [role for look in v.made for role, legs in look.items() if len(legs) > 1]
        if mixed:
            remark(f"trained in more than one place, where last bits differ: {', '.join(mixed)}", "italic")
        if v.sampled is not None:
            remark(f"contexts: {v.sampled} words sampled", "italic")
        for f in v.criteria:
            table.add_row("", *_cells(f, ""))
        for f in v.controls:
            table.add_row("", *_cells(f, "rival: " if f.rival else "control: "))
        for p in v.published:
            name, theirs = printable(f"published: {p.statistic}"), printable(p.theirs)
            table.add_row("", name, spread(p.ours), f"untrained {spread(p.untrained)}", theirs, "")
    console.print(table)


def _cells(f: Finding, role: str) -> tuple[str, ...]:
    """What the table has of a finding."""
    name = printable(role + f.name)
    if f.interval is None:
        why = "undefined for some network" if f.applies else "does not apply to this process"
        return name, why, "", "", MARKS[f.state]
    low, high = ("–" if math.isinf(v) else f"{v:z.4f}" for v in (f.share or f.interval)[1:])
    if f.share is None:
        came = f"{f.interval.mean:z.4f} [{low}, {high}]"
    else:
        came = f"{counted(f)} [share {low}, {high}]"
    return name, came, _span(f.values), must(f), MARKS[f.state]


def called(v: Verdict) -> str:
    """How a verdict is called. What would decide is not told by fewer networks than a first look has."""
    return told(replace(v, needed=None) if v.networks < DEFAULT.seeds else v)


def _looked(v: Verdict) -> str:
    """How many networks were looked at, and how likely the outcome would come out again."""
    again = "" if v.again is None else f"; it would come out again with probability {v.again:.2f}"
    return f"{v.networks} networks, of looks at {', '.join(map(str, v.looks.networks))}{again}"


def _contexts(values: dict[str, Any]) -> str:
    return (
        f"all {values['contexts']} contexts"
        if values.get("sampled") is None
        else f"{values['contexts']} contexts of sampled words"
    )


def _span(values: Iterable[float | None], form: str = ".3f") -> str:
    """The range of some values, or the value where they print alike; a dash where they are not defined."""
    defined = [v for v in values if v is not None]
    if not defined:
        return "–"
    low, high = format(min(defined), f"z{form}"), format(max(defined), f"z{form}")
    return low if low == high else f"{low} – {high}"
