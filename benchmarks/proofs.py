"""Proved bounds of networks over all prefixes, beside the suprema of ideal observers: of those that come with
the lab, and of runs.

    python -m benchmarks.proofs [RUN ...]     writes docs/proofs.json
"""

from pathlib import Path

import numpy as np

import processes
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
WHICH = ("nemo", "rrxor")
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
            b = largest(recipe.model, member(networks.params(), i), symbol, seconds=60.0)
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


def main(runs: list[str]) -> None:
    """Measure and keep."""
    of: list[Networks] = [published.network(name) for name in WHICH]
    of += [train.open_run(Path(run)) for run in runs]
    write_json(KEPT, [row for networks in of for row in rows(networks)], indent=1)


if __name__ == "__main__":
    main(words(__doc__))
