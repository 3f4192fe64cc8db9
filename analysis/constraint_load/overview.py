"""Violation of every subset of the constraints: what a report of a run on a guarded process tells."""

import numpy as np

from ..instruments.contexts import contexts
from ..instruments.evidence import observe
from ..instruments.overview import Measurements, Overview
from ..instruments.untrained import untrained
from .cl2_load_decides import CL2
from .subset_violation import satisfied

SAMPLES = 64
"""Bodies sampled from each network for every subset of constraints."""


def overview(measurements: Measurements) -> Overview:
    """How far every network violates every subset that costs something, and how often it satisfies it."""
    (run,) = measurements.runs.values()
    config, t = run.recipe.model, contexts(run.recipe.ground_truth(), run.recipe.model.n_ctx)
    trained, fresh = (observe(config, params, t, ()) for params in (run.params(), untrained(run.recipe)))
    evidence = measurements.of(CL2.evidence)
    (m,), kept = evidence.values(), satisfied(run, n=SAMPLES)
    columns = {"violation": m.mass, "relative": m.relative, "divergence": m.divergence, "satisfied": kept}
    subsets = [
        {"on": np.flatnonzero(on).tolist(), "load": float(m.load[i])}
        | {name: values[:, i].tolist() for name, values in columns.items()}
        for i, on in enumerate(m.on)
    ]
    return Overview(t, trained, fresh, {"subsets": subsets}, CL2.numbers(evidence))
