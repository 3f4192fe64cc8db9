"""Evidence: what one network does on every context, beside what is exact there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

import toy
import train
from processes.values import earlier

from .contexts import Contexts, contexts
from .forward import Mapped, forward, log_distribution
from .statistics import Interval, interval

TINY = np.finfo(float).tiny
"""In the place of probabilities that are zero, where logarithms are taken."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """One network's activations and predictions on all contexts."""

    contexts: Contexts
    activations: Mapping[str, Float[np.ndarray, "N *_"]]  # by site, as the network computed them (float32)
    log_prediction: Float[np.ndarray, "N V"]  # log P(next token) by the network, float64

    @cached_property
    def divergence(self) -> Float[np.ndarray, "N"]:
        """KL(exact next-token distribution || network's) on each context, nats."""
        return divergence(self.contexts.next_token, self.log_prediction)

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


def divergence(
    exact: Float[np.ndarray, "*n V"], log_prediction: Float[np.ndarray, "*n V"]
) -> Float[np.ndarray, "*n"]:
    """KL(exact || prediction), nats. Term by term, unlike `processes.entropy.divergence`: predictions are of
    float32 logits, beside whose rounding that of the sum is nothing.
    """
    return np.asarray((exact * (np.log(np.where(exact > 0, exact, 1.0)) - log_prediction)).sum(-1))


def log_of(probability: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Logarithms of probabilities, those of impossible events as low as float64 has them."""
    return np.asarray(np.log(np.maximum(probability, TINY)))


def unlearned(networks: Sequence[Evidence]) -> Float[np.ndarray, "networks"]:
    """What networks have left to learn, as a share of what contexts are worth: KL to the exact predictor over
    the loss that knowing contexts saves.
    """
    return np.array([e.excess for e in networks]) / networks[0].contexts.worth


def unlearned_by(run: train.Run, step: int | None = None) -> Float[np.ndarray, "networks"]:
    """The same of the networks of a run, on every context of what they were trained on; after `step` updates,
    the last by default.
    """
    config, process = run.recipe.model, run.recipe.ground_truth()
    return unlearned(observe(config, run.params(step), contexts(process, config.n_ctx), ()))


@train.pinned()
def observe(
    config: toy.Config,
    params: toy.Params,
    contexts: Contexts,
    sites: Sequence[str],
    *,
    edit: Mapped | None = None,
) -> list[Evidence]:
    """Run every network of a stack on all contexts, as one packed tree or word by word, and keep the named
    sites; edited at every position, if so asked.

    `params` has the networks as the first axis of every leaf. Returns one `Evidence` per network.
    Raises `toy.ModelError` for an unknown site or contexts longer than the model's.
    """
    if contexts.n_ctx > config.n_ctx:
        raise toy.ModelError(
            f"contexts have up to {contexts.n_ctx} tokens but the model reads at most n_ctx = "
            f"{config.n_ctx}; use contexts of that length"
        )
    read = ("logits", *sites)
    if contexts.drawn is None:
        assert contexts.tree is not None
        batch = train.packed(contexts.tree, contexts.n_ctx)
        passed = forward(config, params, batch.tokens, read, tree=batch.tree, edit=edit)
    else:  # a word's positions together, as its contexts are
        passed = {
            site: value.reshape(len(value), -1, *value.shape[3:])
            for site, value in forward(config, params, contexts.drawn, read, edit=edit).items()
        }
    return [
        Evidence(contexts, {site: passed[site][i] for site in sites}, log_distribution(logits))
        for i, logits in enumerate(passed["logits"])
    ]


__getattr__ = earlier.names(
    __name__,
    {
        "member": "analysis.instruments.forward:member",
        "log_law": "analysis.instruments.forward:log_distribution",
    },
)
