"""What a terminal shows: ground-truth cards, the live training display, and the table of a finished run."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .terminal import printable

LEGIBLE = 8
"""Most hidden states whose matrices a terminal shows."""
MOST_MATRICES = 16
"""Most symbols whose matrices a terminal shows."""
OUTCOME_STYLE = {"supported": "bold green", "refuted": "bold red", "inconclusive": "bold yellow"}


def card(values: dict[str, Any], console: Console) -> None:
    """Print a ground-truth card as made by `processes.card`."""
    values, bits = printable(values), 1 / math.log(2)

    def both(nats: float | None, otherwise: str) -> str:
        return otherwise if nats is None else f"{nats:z.6f} nats = {nats * bits:z.6f} bits"

    ms, low_high, large = (
        values["mixed_states"],
        values["entropy_rate_bounds"],
        len(values["states"]) > LEGIBLE,
    )
    exact = low_high[1] - low_high[0] < 1e-12
    rows = [
        (
            "symbols, states",
            f"{values['vocab']}, {len(values['states'])} "
            f"({' '.join(values['states'][:LEGIBLE])}{' ..' if large else ''})",
        ),
        (
            "entropy rate",
            both(values["entropy_rate"], "")
            + ("" if exact else f"  (± {(low_high[1] - low_high[0]) / 2:.1e}, bounded)"),
        ),
        ("excess entropy", both(values["excess_entropy"], _between(values["excess_entropy_bounds"]))),
        (
            "C_mu",
            both(values["statistical_complexity"], "infinite or unresolved: infinitely many mixed states"),
        ),
        ("crypticity C_mu - E", both(values["crypticity"], "infinite or unresolved")),
        ("transient information", both(values["transient_information"], "not known exactly")),
        (
            "minimal dimension",
            f"{values['minimal_dimension']} (rank of the word law; {len(values['states'])} states)",
        ),
        ("Markov order", "infinite" if values["markov_order"] is None else str(values["markov_order"])),
        (
            "mixed states",
            "infinite"
            if ms is None
            else f"{ms['transient'] + ms['recurrent']} = {ms['transient']} transient + {ms['recurrent']} "
            f"recurrent",
        ),
    ]
    if values["information_dimension"] is not None:
        D, error = values["information_dimension"]
        rows.append(
            (
                "dimension of beliefs",
                f"{D:z.4f} (± {error:z.4f} standard error; Kaplan-Yorke, an upper bound where images "
                "overlap)",
            )
        )
    if values["transient_modulus"] is not None:
        rows.append(
            (
                "synchronisation",
                f"h(L) - h shrinks by {values['transient_modulus']:z.6f} a symbol (largest transient "
                "|eigenvalue|)",
            )
        )
    console.print(Text(values["name"], style="bold"))
    facts = Table.grid(padding=(0, 2))
    for name, text in rows:
        facts.add_row(Text(name, style="dim"), text)
    if not large:
        facts.add_row(
            Text("stationary law" if values["stationary"] else "start law", style="dim"),
            _vector(values["initial_state"]),
        )
    console.print(facts)
    if values["constraints"] is not None:
        _constraints(values["constraints"], console)
    _matrices(values, console)
    _lengths(values, console)


def _matrices(values: dict[str, Any], console: Console) -> None:
    """The transition matrices, as many beside each other as there is room for; their number and size where
    they are too many to read.
    """
    V, S = values["vocab"], len(values["states"])
    if S > LEGIBLE or V > MOST_MATRICES:
        console.print(f"transition matrices: {V} of {S} by {S} (--json prints them)")
        return
    beside = max(1, console.width // (7 * S + 4))
    for first in range(0, V, beside):
        shown = range(first, min(first + beside, V))
        table = Table.grid(padding=(0, 3))
        table.add_row(*(f"T[{x}]" for x in shown))
        table.add_row(*("\n".join(map(_vector, values["transition_matrices"][x])) for x in shown))
        console.print(table)


def _lengths(values: dict[str, Any], console: Console) -> None:
    """What depends on length, a column each as far as it is known."""
    floor, known = values["loss_floor_by_position"], [v for v in values["h"] if v is not None]
    lengths = Table("", *(str(L + 1) for L in range(len(known))), box=None, header_style="dim")

    def row(name: str, found: list[float | None]) -> None:
        lengths.add_row(name, *("–" if v is None else f"{v:z.4f}" for v in found[: len(known)]))

    row("h(L), nats", values["h"])
    if values["synchronisation"] is not None:
        row("P(synchronised) after L", values["synchronisation"][1:])
    row("loss floor at position L-1", floor)
    console.print(lengths)
    if None not in floor:
        console.print(f"mean loss floor over positions 0..{len(floor) - 1}: {np.mean(floor):z.6f} nats")
        return
    fewer = floor.index(None)
    told = (
        f"h(L) beyond L = {fewer + 1} and later loss floors, and so their mean, are not known: beliefs after "
        "so many symbols are too many"
    )
    console.print(f"{told}; --n-ctx {fewer} asks for no more" if fewer else told)


def _constraints(cost: dict[str, Any], console: Console) -> None:
    """Print loads, interactions and memory costs as made by `processes.constraints.costs`."""

    def told(value: float | None) -> str:
        return "infinite" if value is None else f"{value:z.4f}"

    numbers = range(len(cost["constraints"]))
    title = f"constraints on {cost['base']}; interactions, nats per token (diagonal: -load)"
    table = Table(
        "",
        "constraint",
        "load",
        *(f"with {k}" for k in numbers),
        title=title,
        title_justify="left",
        box=None,
        header_style="dim",
    )
    for k, row in enumerate(cost["interactions"]):
        table.add_row(str(k), cost["constraints"][k], told(cost["single_loads"][k]), *map(told, row))
    console.print(table)
    if cost["kind"] == "given":
        console.print(
            f"all together: load {told(cost['load'])}, interaction {told(cost['interaction'])} nats per "
            "token; "
            f"an exact predictor adds {cost['memory_cost']} dimensions of belief"
        )
        return
    subsets = Table("on", "probability", "load", "interaction", "memory cost", box=None, header_style="dim")
    for s in cost["subsets"]:
        on = ",".join(map(str, s["on"])) or "none"
        subsets.add_row(
            on,
            f"{s['probability']:.4g}",
            told(s["load"]),
            told(s["interaction"]),
            f"{s['memory_cost']:+d} dimensions",
        )
    console.print(subsets)
    if cost["subsets_in_all"] > len(cost["subsets"]):
        console.print(f"({cost['subsets_in_all'] - len(cost['subsets'])} more subsets)")


def report(values: dict[str, Any], console: Console) -> None:
    """Print the tables of a finished run from its report.json."""
    values = printable(values)
    recipe, excess = values["recipe"], values["excess"]
    console.print(Text(values["question"], style="bold"))
    console.print(
        f"{values['process']}, {recipe['seeds']} networks, {recipe['steps']} steps, {recipe['objective']} "
        f"objective, recipe {values['hash']}"
    )
    made(values.get("made", ()), console)
    console.print(
        f"KL to the exact predictor on {_contexts(values)}: {_span(excess['trained'], '.1e')} nats per token "
        f"(untrained {_span(excess['untrained'], '.1e')}; floor {values['floor']:z.6f})"
    )
    if values.get("sampled") is not None:
        (worst,) = sorted(values["excess_interval"], key=lambda i: i[2] - i[1])[-1:]
        console.print(
            f"contexts: {values['sampled']} words sampled; the widest 95 % interval of a network's KL is "
            f"{worst[1]:.1e} to {worst[2]:.1e} nats"
        )
    (_subsets if "subsets" in values else _layers)(values, console)
    verdicts(values["verdicts"], console)
    for refused in values["refused"]:
        console.print(f"{refused['claim']} was not tested: {refused['reason']}")


def made(legs: Sequence[dict[str, Any]], console: Console) -> None:
    """Print where a run was made, and that its bits are of several places if they are."""
    for i, leg in enumerate(legs):
        begun = "made with" if i == 0 else f"continued from step {leg['step']}, where last bits differ, with"
        told = ", ".join(f"{name} {value}" for name, value in leg["versions"].items())
        console.print(
            f"{begun} {told}", style="dim" if len(legs) == 1 else "yellow", highlight=False, markup=False
        )


def _layers(values: dict[str, Any], console: Console) -> None:
    table = Table(
        "features",
        "held-out R²",
        "untrained",
        "shuffled",
        "in sample",
        "RMSE",
        "gain over window",
        title="Beliefs probed, histories held out",
        title_justify="left",
    )
    for layer in values["layers"]:
        t = layer["trained"]
        table.add_row(
            layer["features"],
            _span(t["r2"]),
            _span(layer["untrained"]["r2"]),
            _span([layer["shuffled"]["low"], layer["shuffled"]["high"]]),
            _span(t["r2_in_sample"]),
            _span(t["rmse"]),
            _span(t["gain_over_token_window"], ".2f"),
        )
    for name, b in values["baselines"].items():
        table.add_row(
            Text(f"{name.replace('_', ' ')} (no network)", style="dim"),
            f"{b['r2']:z.3f}",
            "",
            "",
            f"{b['r2_in_sample']:z.3f}",
            f"{b['rmse']:z.3f}",
            "",
        )
    console.print(table)


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


def verdicts(found: Iterable[dict[str, Any]], console: Console) -> None:
    """Print verdicts with every criterion and control."""
    table = Table(
        "claim",
        "criterion or control",
        "mean [95 % interval]",
        "seeds",
        "must be",
        "",
        title="Verdicts",
        title_justify="left",
    )
    for v in printable(list(found)):
        table.add_section()
        table.add_row(
            v["claim"],
            Text(v["outcome"], style=OUTCOME_STYLE[v["outcome"]]).append(
                f"  {v['statement']}", style="not bold default"
            ),
        )
        if v["outcome"] != "supported":
            table.add_row("", Text(v["reason"], style="italic"))
        mixed = [role for role, legs in v.get("made", {}).items() if len(legs) > 1]
        if mixed:
            table.add_row(
                "",
                Text(
                    f"trained in more than one place, where last bits differ: {', '.join(mixed)}",
                    style="italic",
                ),
            )
        if v.get("sampled") is not None:
            table.add_row("", Text(f"contexts: {v['sampled']} words sampled", style="italic"))
        for kind in ("criteria", "controls"):
            for f in v[kind]:
                name = f["name"] if kind == "criteria" else f"control: {f['name']}"
                if f["interval"] is None:
                    told = "undefined for some network" if f["applies"] else "does not apply to this process"
                    table.add_row("", name, told, "", "", "✗" if f["applies"] else "–")
                    continue
                mean, *bounds = f["interval"]
                low, high = ("–" if b is None else f"{b:z.4f}" for b in bounds)
                table.add_row(
                    "",
                    name,
                    f"{mean:z.4f} [{low}, {high}]",
                    _span(f["values"]),
                    must(f),
                    "✓" if f["holds"] else "✗",
                )
    console.print(table)


def must(finding: dict[str, Any]) -> str:
    """Where a criterion or control has to be: "> 0.5", "< 2", "-0.1 .. 0.1"."""
    above, below = finding["above"], finding["below"]
    side = f"< {below:g}" if above is None else f"> {above:g}" if below is None else f"{above:g} .. {below:g}"
    return side + (" in every network" if finding["every_seed"] else "")


def _contexts(values: dict[str, Any]) -> str:
    return (
        f"all {values['contexts']} contexts"
        if values.get("sampled") is None
        else f"{values['contexts']} contexts of sampled words"
    )


def _between(bounds: list[float] | None) -> str:
    """What is known of an entropy (nats) that is not known exactly."""
    if bounds is None:
        return "not defined: the start is not stationary"
    middle, half = sum(bounds) / 2, (bounds[1] - bounds[0]) / 2
    return (
        f"{middle:z.6f} nats  (± {half:.1e}, bounded)"
        if half < 1e-3
        else f"between {bounds[0]:z.6f} and {bounds[1]:z.6f} nats"
    )


def _span(values: Iterable[float | None], form: str = ".3f") -> str:
    """The range of some values, or the value where they print alike; a dash where they are not defined."""
    defined = [v for v in values if v is not None]
    if not defined:
        return "–"
    low, high = format(min(defined), f"z{form}"), format(max(defined), f"z{form}")
    return low if low == high else f"{low} – {high}"


def _vector(row: Iterable[float]) -> str:
    return "[" + " ".join(f"{v:z.4g}".rjust(6) for v in row) + "]"
