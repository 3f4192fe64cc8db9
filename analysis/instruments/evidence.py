"""The cast up: what one network does on every context, in the words of the truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np
from jaxtyping import Float

import processes
import toy
import train

from .contexts import Contexts
from .statistics import Interval, interval

CHUNK = 4096
"""Contexts of drawn words that a network reads at once: large enough for the cores, small enough for
attention over long words.
"""


@dataclass(frozen=True, eq=False)
class Evidence:
    """One network's activations and predictions on all contexts."""

    contexts: Contexts
    activations: Mapping[str, Float[np.ndarray, "N *_"]]  # by site, as the network computed them (float32)
    log_prediction: Float[np.ndarray, "N V"]  # log P(next token) by the network, float64

    @cached_property
    def divergence(self) -> Float[np.ndarray, "N"]:
        """KL(exact law of the next token || network's) on each context, nats."""
        p = self.contexts.next_token
        return -(p * self.log_prediction).sum(1) - processes.entropy(p)

    @property
    def excess(self) -> float:
        """Mean KL to the exact predictor over all contexts and positions: the loss minus its floor, nats per
        token.
        """
        return float(self.contexts.weight @ self.divergence)

    @property
    def excess_interval(self) -> Interval | None:
        """What the excess on all contexts may be if words were drawn: a 95 % t interval, words being the
        unit. None if none were.
        """
        return (
            None if self.contexts.sampled is None else interval(self.contexts.mean_of_words(self.divergence))
        )

    @cached_property
    def excess_by_position(self) -> Float[np.ndarray, "T"]:
        """Mean KL to the exact predictor at each position, nats."""
        n = self.contexts.n_ctx
        return np.bincount(
            self.contexts.position, weights=n * self.contexts.weight * self.divergence, minlength=n
        )


def member(params: toy.Params, i: int) -> toy.Params:
    """Parameters of one network of a stack, which has the networks as the first axis of every leaf."""
    return jax.tree.map(lambda leaf: leaf[i], params)


def log_law(logits: Float[np.ndarray, "N V"]) -> Float[np.ndarray, "N V"]:
    """log P(next token) from float32 logits, in float64."""
    logits = logits.astype(np.float64)
    peak = logits.max(1, keepdims=True)
    return logits - peak - np.log(np.exp(logits - peak).sum(1, keepdims=True))


def divergence(
    law: Float[np.ndarray, "*n V"], log_prediction: Float[np.ndarray, "*n V"]
) -> Float[np.ndarray, "*n"]:
    """KL(law || prediction), nats."""
    return np.asarray((law * (np.log(np.where(law > 0, law, 1.0)) - log_prediction)).sum(-1))


@train.pinned()
def observe(config: toy.Config, params: toy.Params, truth: Contexts, sites: Sequence[str]) -> list[Evidence]:
    """Run every network of a stack on every context, as one packed tree or word by word, and keep the named
    sites.

    `params` has the networks as the first axis of every leaf. Returns one `Evidence` per network.
    Raises `toy.ModelError` for an unknown site or a context longer than the model's.
    """
    unknown = [s for s in sites if s not in config.sites]
    if unknown:
        raise toy.ModelError(f"there is no site {unknown[0]!r}; this network has {', '.join(config.sites)}")
    if truth.n_ctx > config.n_ctx:
        raise toy.ModelError(
            f"contexts have up to {truth.n_ctx} tokens but the model reads at most n_ctx = {config.n_ctx}; "
            "use a truth of that length"
        )
    read = _reader(toy.network(config), truth, sites)
    evidence = []
    for i in range(len(jax.tree.leaves(params)[0])):
        kept, logits = read(member(params, i))
        evidence.append(Evidence(truth, kept, log_law(logits)))
    return evidence


def _reader(
    network: toy.Network, truth: Contexts, sites: Sequence[str]
) -> Callable[[toy.Params], tuple[dict[str, np.ndarray], np.ndarray]]:
    """From one network's parameters to its sites and logits, a row for each context in the order of the
    truth.
    """

    @train.jit
    def run(params, tokens, tree=None):
        out = network.apply(params, tokens, tree)
        return {site: out[site] for site in sites}, out["logits"]

    if truth.drawn is None:
        assert truth.tree is not None
        batch = train.packed(truth.tree, truth.n_ctx)
        return lambda params: jax.device_get(run(params, batch.tokens, batch.tree))
    n = max(1, CHUNK // truth.n_ctx)
    chunks = [truth.drawn[a : a + n] for a in range(0, len(truth.drawn), n)]

    def rows(*parts: np.ndarray) -> np.ndarray:
        together = np.concatenate(parts)
        return together.reshape(-1, together.shape[-1])

    return lambda params: jax.tree.map(rows, *(jax.device_get(run(params, c)) for c in chunks))
