"""What a sweep measures on every run: how far from the exact predictor, and how well a linear probe reads the
beliefs.
"""

import jax
import numpy as np

import processes
import train
from train.sweeps.outcome import Measured, at_the_end

from ..contexts import HISTORY, Contexts, contexts, enumerated
from ..evidence import Evidence, observe
from .probe import moments, probe

QUANTITIES = {"excess": "nats", "r2_final_layer": "", "r2_all_layers": ""}
"""What is measured over all contexts (or those of drawn words, where there are too many), in this order, and
its unit.
"""


def summary(run: train.Run) -> dict[str, Measured]:
    """Loss and excess at the end of training; then, over all contexts, the exact excess in nats per token,
    and held-out R2 of the beliefs as read linearly from the residual stream after the last block and after
    all of them side by side.

    What cannot be had is NaN: everything of a network that diverged, R2 where histories cannot be held out or
    all beliefs are equal. Contexts too many to enumerate are sampled (see `contexts`).
    """
    recipe, history = run.recipe, run.history()
    scores = np.full((recipe.seeds, len(QUANTITIES)), np.nan)
    finite = np.flatnonzero(np.isfinite(history["excess"][:, -1]))
    what = _contexts(recipe.ground_truth(), recipe.model.n_ctx)
    if what is not None and len(finite):
        layers = list(recipe.model.stream[1:])
        params = jax.tree.map(lambda leaf: leaf[finite], run.params())
        scores[finite] = [
            _score(evidence, layers) for evidence in observe(recipe.model, params, what, layers)
        ]
    return at_the_end(run) | {
        name: Measured(scores[:, i], unit) for i, (name, unit) in enumerate(QUANTITIES.items())
    }


def _contexts(process: processes.Process, n_ctx: int) -> Contexts | None:
    try:
        return contexts(process, n_ctx) if n_ctx > HISTORY else enumerated(process, n_ctx)
    except processes.ProcessError:
        return None


def _score(evidence: Evidence, layers: list[str]) -> tuple[float, float, float]:
    what = evidence.contexts
    if what.n_ctx <= HISTORY or np.ptp(what.belief[what.fold >= 0], axis=0).max() < 1e-9:
        return evidence.excess, np.nan, np.nan
    stream = np.concatenate([evidence.activations[layer] for layer in layers], axis=1)
    every, width = moments(stream, what.belief, what), evidence.activations[layers[-1]].shape[1]
    labels = slice(0, what.belief.shape[1])
    final = every[slice(stream.shape[1] - width, stream.shape[1]), labels]
    return evidence.excess, probe(final).r2, probe(every).r2
