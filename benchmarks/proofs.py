"""Proved bounds of networks over all prefixes, beside the suprema of ideal observers: of those that come with
the lab, and of runs.

    python -m benchmarks.proofs [WHICH ...]     writes docs/proofs.json

WHICH is the name of a network that came with the lab, a cell (gru, lstm: trained here on the golden mean, in
seconds), or the folder of a run; where nothing is said, all of the first two kinds. Other rows stay.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

import processes
import toy
import train
from analysis import published
from analysis.instruments.forward import member
from analysis.instruments.proofs import largest
from analysis.instruments.proofs.proof import exact, on_support
from processes.values.whole_file import write_json
from train.runs.exported import Networks

from .asked import words
from .table import ROOT

KEPT = ROOT / "docs" / "proofs.json"
WHICH = ("nemo", "mess3")
"""Networks that came with the lab; RRXOR makes both of its symbols certain."""
CELLS: tuple[Literal["gru", "lstm"], ...] = ("gru", "lstm")
SECONDS = 60.0
"""For a bound of a network."""
CERTAIN = 0.999
"""Symbols that the process makes as probable as this are left out: their bound says nothing."""


def rows(networks: Networks) -> list[dict[str, object]]:
    """A row for every symbol and the first two networks of a run."""
    recipe, found = networks.recipe, []
    process = processes.named(recipe.process)
    for symbol in range(process.vocab):
        truth = exact(process, symbol)
        if truth is None or truth.high > CERTAIN:
            continue
        for i in range(min(2, recipe.seeds)):
            b = largest(recipe.model, member(networks.params(), i), symbol, seconds=SECONDS)
            found.append(
                {
                    "process": recipe.process,
                    "kind": getattr(recipe.model, "cell", "transformer"),
                    "seed": recipe.first_seed + i,
                    "symbol": symbol,
                    "exact": truth.high,
                    "low": b.low,
                    "high": b.high,
                    "window": b.window,
                    "method": b.method,
                    "sets": b.sets,
                    "float32": None if np.isnan(b.float32) else b.float32,
                    "word": "".join(map(str, b.word)),
                    "possible": on_support(process, b.word),
                }
            )
    return found


def trained(cell: Literal["gru", "lstm"]) -> train.Run:
    """Two networks of eight units on the golden mean, like the tanh networks of the pilots."""
    shape = toy.RecurrentConfig(vocab=2, n_ctx=10, n_layers=1, d_model=8, cell=cell)
    how = train.Optimiser("adam", learning_rate=1e-2, warmup=50, schedule="cosine")
    recipe = train.Recipe("golden_mean", shape, "population", how, 1500, None, seeds=2, checkpoints=2)
    return train.obtain(recipe, "runs")


def asked(which: list[str]) -> Iterator[Networks]:
    """The networks of what was named."""
    yield from (trained(cell) for cell in CELLS if not which or cell in which)
    for name in (name for name in which or WHICH if name not in CELLS):
        yield published.network(name) if name in published.names() else train.open_run(Path(name))


def main(which: list[str]) -> None:
    """Measure, and keep in the place of earlier rows of the same networks."""
    kept = json.loads(KEPT.read_text())
    for networks in asked(which):
        new = rows(networks)
        of = {(row["process"], row["kind"]) for row in new}
        kept = [row for row in kept if (row["process"], row["kind"]) not in of] + new
        write_json(KEPT, kept, indent=1)


if __name__ == "__main__":
    main(words(__doc__))
