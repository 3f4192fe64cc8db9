"""The geometry through training: what a probe finds, and how far the predictions are from the truth, at every
kept step.
"""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float, Int

import train

from ..instruments.baselines import wrong_beliefs
from ..instruments.contexts import Contexts, contexts, shuffled_beliefs
from ..instruments.evidence import Evidence, observe
from ..instruments.probe import moments, probe

DEPTH = 8
"""Longest contexts observed: a tenth of those of ten tokens, at every step of every network."""


@dataclass(frozen=True, eq=False)
class Emergence:
    """Held-out R2 of the final layer onto several labels, and KL to the exact predictor, at the kept steps of
    every network.
    """

    step: Int[np.ndarray, "K"]
    divergence: Float[np.ndarray, "seeds K"]  # nats per token
    belief: Float[np.ndarray, "seeds K"]
    decoy: Float[np.ndarray, "seeds K"]  # onto the beliefs of a wrong process
    shuffled: Float[
        np.ndarray, "seeds K"
    ]  # onto beliefs shuffled among contexts of equal length, the same at every step


def emergence(run: train.Run) -> Emergence:
    """Observe the networks of a finished run at all kept steps, on contexts of up to `DEPTH` tokens."""
    config, steps = run.recipe.model, run.checkpoint_steps
    what = contexts(run.recipe.ground_truth(), min(config.n_ctx, DEPTH))
    # All steps as one stack of networks, so that one program is compiled.
    params = jax.tree.map(lambda *leaves: np.concatenate(leaves), *map(run.params, steps))
    final = config.stream[-1]
    networks = observe(config, params, what, (final,))
    shape = (len(steps), run.recipe.seeds)
    scores = _scores(networks, final, what).reshape(*shape, 3)
    divergence = np.array([n.excess for n in networks]).reshape(shape)
    return Emergence(np.array(steps), divergence.T, *(scores[..., k].T for k in range(3)))


def _scores(networks: list[Evidence], site: str, truth: Contexts) -> Float[np.ndarray, "networks 3"]:
    """R2 onto beliefs, a wrong process's beliefs and shuffled beliefs."""
    labels = [truth.belief, wrong_beliefs(truth), shuffled_beliefs(truth, np.random.default_rng(0))]
    ends = np.cumsum([0, *(x.shape[1] for x in labels)])
    columns = [slice(int(a), int(b)) for a, b in zip(ends[:-1], ends[1:], strict=True)]
    found = [moments(n.activations[site], np.concatenate(labels, axis=1), truth) for n in networks]
    return np.array([[probe(m[slice(None), c]).r2 for c in columns] for m in found])
