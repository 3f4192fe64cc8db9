"""The cast up: what one network does on every context, in the words of the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np
from jaxtyping import Float

import processes
import toy
import train

from .truth import Truth


@dataclass(frozen=True, eq=False)
class Evidence:
    """One network's activations and predictions on every context of a `Truth`."""

    truth: Truth
    activations: Mapping[str, Float[np.ndarray, "N _"]]  # by site, as the network computed them (float32)
    log_prediction: Float[np.ndarray, "N V"]  # log P(next token) by the network, float64

    @cached_property
    def divergence(self) -> Float[np.ndarray, "N"]:
        """KL(exact law of the next token || network's) on each context, nats."""
        p = self.truth.next_token
        return -(p * self.log_prediction).sum(1) - processes.entropy(p)

    @property
    def excess(self) -> float:
        """Mean KL to the exact predictor over all contexts and positions: the loss minus its floor, nats per token."""
        return float(self.truth.weight @ self.divergence)

    @cached_property
    def excess_by_position(self) -> Float[np.ndarray, "T"]:
        """Mean KL to the exact predictor at each position, nats."""
        n = self.truth.n_ctx
        return np.bincount(self.truth.position, weights=n * self.truth.weight * self.divergence, minlength=n)


def observe(config: toy.Config, params: toy.Params, truth: Truth, sites: Sequence[str]) -> list[Evidence]:
    """Run every network of a stack on every context and keep the named sites.

    `params` has the networks as the first axis of every leaf. Returns one `Evidence` per network.
    Raises `toy.ModelError` for an unknown site or a context longer than the model's.
    """
    unknown = [s for s in sites if s not in config.sites]
    if unknown:
        raise toy.ModelError(f"there is no site {unknown[0]!r}; this network has {', '.join(config.sites)}")
    network, batch = toy.network(config), train.packed(truth.tree, config.n_ctx)

    @jax.jit
    def run(params, batch):
        out = network.apply(params, batch.tokens, batch.tree)
        return {site: out[site] for site in sites}, out["logits"]

    evidence = []
    for i in range(len(jax.tree.leaves(params)[0])):
        kept, logits = jax.device_get(run(jax.tree.map(lambda leaf, i=i: leaf[i], params), batch))
        logits = logits.astype(np.float64)
        peak = logits.max(1, keepdims=True)
        evidence.append(Evidence(truth, kept, logits - peak - np.log(np.exp(logits - peak).sum(1, keepdims=True))))
    return evidence
