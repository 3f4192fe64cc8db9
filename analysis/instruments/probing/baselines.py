"""What a probe of a network is compared with: beliefs and futures read from something that is no network, and
the beliefs of observers of other processes.

All of it depends on the contexts alone, so it is worked out once for all studies of them.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64

import processes
from processes.values.notes import noted

from ..contexts import HISTORY, Contexts
from .probe import Probe, moments, probe

DETERMINED = 0.999
"""A rival this good is the belief by algebra (as next-token distributions are on Mess3), so the two cannot be
told apart.
"""
DECOYS = 8
"""Wrong processes behind the control that a probe prefers the right one."""
WINDOW = 192
"""Most features of a token window: 64 tokens of three symbols. No context that can be enumerated is longer
than its window.
"""


@noted(32)
def baseline(contexts: Contexts, name: str, labels: str = "belief") -> Probe:
    """Probe onto beliefs (those of decoys, or a future) from the features in `BASELINES` of this name."""
    features = BASELINES[name](contexts)
    values = (
        future(contexts, FUTURES[labels])
        if labels in FUTURES
        else wrong_beliefs(contexts)
        if labels == "decoy"
        else contexts.belief
    )
    return probe(moments(features, values, contexts))


def baseline_points(contexts: Contexts, name: str) -> Float64[np.ndarray, "N S"]:
    """Beliefs after each context as that probe has them. Not noted: of many contexts they fill memory, and
    they follow from it at once.
    """
    return baseline(contexts, name).predict(BASELINES[name](contexts), contexts.fold)


FUTURES = {"next_2": 2, "next_3": 3, "next_4": 4}
"""Names of the distributions of the next tokens that can be probed for, and of how many tokens."""


@noted(16)
def future(contexts: Contexts, length: int) -> Float64[np.ndarray, "N m"]:
    """Exact distribution of the next `length` tokens after every context, in orthonormal coordinates of the
    space that it varies in.

    P(next word = u | context) = belief T[u_1] ... T[u_length] w is linear in the belief, so all V^length
    probabilities live in at most S - 1 dimensions; a rotation leaves every sum of squares, hence every R2, as
    it is.
    """
    return _coordinates(contexts, contexts.process, contexts.belief, length)


@noted(4)
def future_by_markov(contexts: Contexts, order: int, length: int) -> Float64[np.ndarray, "N m"]:
    """The same by the beliefs of an observer who takes the process for the Markov chain of an order."""
    observer = processes.markov(contexts.process, order)
    return _coordinates(contexts, observer, contexts.believed(observer), length)


def _coordinates(
    contexts: Contexts, process: processes.Process, belief: Float64[np.ndarray, "N S"], length: int
) -> Float64[np.ndarray, "N m"]:
    outcome = process.w[:, None]
    for _ in range(length):
        outcome = np.einsum("xij,jk->ixk", process.T, outcome).reshape(process.n_states, -1)
    joint = belief @ outcome
    centred = joint - contexts.weight @ joint / contexts.weight.sum()
    # Not by `statistics.coordinates`: futures have many columns, and a Gram matrix is the smaller problem.
    size, axes = np.linalg.eigh(centred.T @ centred)
    return centred @ axes[:, size > 1e-12 * size[-1]]


@noted(8)
def wrong_beliefs(contexts: Contexts) -> Float64[np.ndarray, "N m"]:
    """Beliefs, on the same contexts, of `DECOYS` observers who take the data for those of random processes of
    equal entropy rate.

    Side by side, so that a probe's R2 is that of all of them together: between single decoys it differs more
    than between networks.
    """
    return np.concatenate(
        [contexts.believed(processes.decoy(contexts.process, seed=k)) for k in range(DECOYS)], axis=1
    )


def token_window(contexts: Contexts) -> Float64[np.ndarray, "N d"]:
    """One-hot of every token read so far, by its distance into the past: the additive model of beliefs.

    Of long contexts only the last tokens, as many as make up to `WINDOW` features.
    """
    lag = np.arange(min(contexts.n_ctx, max(HISTORY, WINDOW // contexts.process.vocab)))
    index = contexts.position[:, None] - lag
    tokens = np.where(index >= 0, np.take_along_axis(contexts.words, index.clip(0), 1), -1)
    return (
        (tokens[:, :, None] == np.arange(contexts.process.vocab)).reshape(len(tokens), -1).astype(np.float64)
    )


def _markov(order: int) -> Callable[[Contexts], np.ndarray]:
    return lambda contexts: contexts.believed(processes.markov(contexts.process, order))


BASELINES: dict[str, Callable[[Contexts], Float64[np.ndarray, "N d"]]] = {
    "token_window": token_window,
    "next_token": lambda contexts: contexts.next_token,
    "markov_1": _markov(1),
    "markov_2": _markov(2),
    "markov_3": _markov(3),
}
"""What else a network might represent: features from which the beliefs are predicted in its place."""
