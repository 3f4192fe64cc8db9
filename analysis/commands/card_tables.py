"""What a terminal shows of a process: its ground-truth card."""

import math
from collections.abc import Iterable
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


def card(values: dict[str, Any], console: Console) -> None:
    """Print a ground-truth card as made by `processes.card`."""
    values = printable(values)
    console.print(Text(values["name"], style="bold"))
    facts = Table.grid(padding=(0, 2))
    parts = (_alphabet, _information, _structure, _geometry, _learning)
    for name, text in (row for part in parts for row in part(values)):
        facts.add_row(Text(name, style="dim"), text)
    if len(values["states"]) <= LEGIBLE:
        name = "stationary distribution" if values["stationary"] else "start distribution"
        facts.add_row(Text(name, style="dim"), _vector(values["initial_state"]))
    console.print(facts)
    if values["constraints"] is not None:
        _constraints(values["constraints"], console)
    _matrices(values, console)
    _lengths(values, console)


Row = tuple[str, str]
"""The name of a fact, and what it is."""


REASONS = {
    "not found": "no finite set of mixed states was found, nor a proof that there is none",
    "not stationary": "the start is not stationary",
}
"""What a card says for short, in words."""


def _alphabet(values: dict[str, Any]) -> list[Row]:
    states = values["states"]
    told = " ".join(states[:LEGIBLE]) + (" .." if len(states) > LEGIBLE else "")
    return [("symbols, states", f"{values['vocab']}, {len(states)} ({told})")]


def _both(nats: float | None, otherwise: str) -> str:
    """In both units, or what is said where it is not known."""
    return otherwise if nats is None else f"{nats:z.6f} nats = {nats / math.log(2):z.6f} bits"


def _information(values: dict[str, Any]) -> list[Row]:
    low, high = values["entropy_rate_bounds"]
    bounded = "" if high - low < 1e-12 else f"  (± {(high - low) / 2:.1e}, bounded)"
    complexity, excess = values["statistical_complexity"], values["excess_entropy"]

    def unknown(name: str) -> str:
        return f"not known: {REASONS.get(reason := values['why'].get(name, ''), reason)}"

    return [
        ("entropy rate", _both(values["entropy_rate"], "") + bounded),
        ("excess entropy", _both(excess, _between(values["excess_entropy_bounds"]))),
        ("C_mu", _both(complexity, unknown("statistical_complexity"))),
        ("crypticity C_mu - E", _both(values["crypticity"], unknown("crypticity"))),
        ("transient information", _both(values["transient_information"], unknown("transient_information"))),
    ]


def _structure(values: dict[str, Any]) -> list[Row]:
    states, order, why = len(values["states"]), values["markov_order"], values["why"]
    mixed = REASONS.get(why.get("mixed_states", ""), "infinite")
    if (ms := values["mixed_states"]) is not None:
        transient, recurrent = ms["transient"], ms["recurrent"]
        mixed = f"{transient + recurrent} = {transient} transient + {recurrent} recurrent"
    rank = f"{values['minimal_dimension']} (rank of the distribution of words; {states} states)"
    return [
        ("minimal dimension", rank),
        ("Markov order", REASONS.get(why["markov_order"], "infinite") if order is None else str(order)),
        ("mixed states", mixed),
    ]


def _geometry(values: dict[str, Any]) -> list[Row]:
    """What is known where mixed states are infinitely many, and of synchronisation."""
    rows = []
    if values["information_dimension"] is not None:
        D, error = values["information_dimension"]
        bound = "Kaplan-Yorke, an upper bound where images overlap"
        rows.append(("dimension of beliefs", f"{D:z.4f} (± {error:z.4f} standard error; {bound})"))
    if values["transient_modulus"] is not None:
        shrinks = f"h(L) - h shrinks by {values['transient_modulus']:z.6f} a symbol"
        rows.append(("synchronisation", f"{shrinks} (largest transient |eigenvalue|)"))
    return rows


def _learning(values: dict[str, Any]) -> list[Row]:
    """How much there is to learn, and what of it needs more memory than one's last prediction."""
    worth, price, why = values["worth"], values["breadcrumb_price"], values["why"]
    if worth == 0:
        return [("contexts are worth", "nothing: the next-token distribution is the same after each of them")]
    n_ctx = len(values["loss_floor_by_position"])
    told = "not known: beliefs after so many symbols are too many"
    if worth is not None:
        told = f"{worth:z.6f} nats per token, up to {n_ctx} tokens (loss without, less mean floor)"
    share = f"{price or 0:z.4f} of what contexts are worth (to remember one's last prediction alone)"
    return [
        ("contexts are worth", told),
        ("breadcrumb price", f"not known: {why['breadcrumb_price']}" if price is None else share),
    ]


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


def _vector(row: Iterable[float]) -> str:
    return "[" + " ".join(f"{v:z.4g}".rjust(6) for v in row) + "]"


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
