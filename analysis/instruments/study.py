"""A study: trained networks, untrained ones of the same shape, and everything a claim may ask of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

import processes
import toy
import train
from train.recipe import MAX_SEEDS

from .contexts import HISTORY, Truth, truth
from .evidence import Evidence, observe
from .probe import Probe, moments, probe, shuffled_r2

CONCATENATED = "concatenated"
"""Name of the features that put the residual stream after every block side by side."""
SHUFFLES = 1000
"""Label shuffles behind a claim's null."""
DECOYS = 8
"""Wrong processes behind the control that a probe prefers the right one."""
WINDOW = 192
"""Most features of a token window: 64 tokens of three symbols. No context that can be enumerated is longer
than its window.
"""
UNTRAINED_SEEDS = MAX_SEEDS
"""Untrained networks are initialised from seeds counted from here, so that none is the beginning of a trained
one.
"""


@dataclass(frozen=True, eq=False)
class Study:
    """What claims are measured on. Probes are made when first asked for and remembered."""

    truth: Truth
    layers: tuple[str, ...]  # sites along the residual stream: before the first block, then after each
    trained: Sequence[Evidence]
    untrained: Sequence[Evidence]
    _memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def final_layer(self) -> str:
        """The residual stream after the last block."""
        return self.layers[-1]

    def probes(
        self,
        features: str,
        *,
        trained: bool = True,
        labels: str = "belief",
        intercept: bool = True,
        centred: bool = False,
    ) -> list[Probe]:
        """One probe per network from a layer (or all of them, `CONCATENATED`) onto `labels`: `belief`,
        `decoy`, or a name in `FUTURES`.
        """

        def compute():
            group = "futures" if labels in FUTURES else "beliefs"
            columns = self._columns(features), self._labels(group)[labels][0]
            found = [m[columns] for m in self._moments(trained, group)]
            return [probe(m.centred() if centred else m, intercept=intercept) for m in found]

        return self._remember(("probe", features, trained, labels, intercept, centred), compute)

    def r2(self, features: str, **which) -> Float[np.ndarray, "seeds"]:
        """Held-out R2 of `probes(...)`, one per network."""
        return np.array([p.r2 for p in self.probes(features, **which)])

    def points(self, features: str, *, trained: bool = True) -> list[Float[np.ndarray, "N S"]]:
        """Beliefs as probed from each network, by the map that has not seen the history; contexts too short
        to be held out are given the map fitted on all longer ones, some of which continue them.
        """

        def compute():
            networks = self.trained if trained else self.untrained
            return [
                p.predict(self._features(e, features), self.truth.fold)
                for e, p in zip(networks, self.probes(features, trained=trained), strict=True)
            ]

        return self._remember(("points", features, trained), compute)

    def shuffled(
        self, features: str, n: int = SHUFFLES, networks: int | None = None
    ) -> Float[np.ndarray, "seeds n"]:
        """Held-out R2 of probes refitted on n shuffles of the beliefs, for each trained network, or the first
        few.
        """

        def compute():
            x = [self._features(e, features) for e in self.trained[:networks]]
            base = [
                m[self._columns(features), self._labels("beliefs")["belief"][0]]
                for m in self._moments(True, "beliefs")[:networks]
            ]
            return shuffled_r2(x, base, self.truth.belief, self.truth, n=n)

        return self._remember(("shuffled", features, n, networks), compute)

    def baseline(self, name: str, labels: str = "belief") -> Probe:
        """Probe onto beliefs, or a future, from something other than a network, by a name in `BASELINES`."""
        return baseline(self.truth, name, labels)[0]

    def baseline_points(self, name: str) -> Float[np.ndarray, "N S"]:
        """Beliefs as probed from a baseline, held out by history."""
        return baseline(self.truth, name)[1]

    def _labels(self, group: str) -> dict[str, tuple[slice, np.ndarray]]:
        """What is probed for, by name: its columns among those of its group, and its values."""
        if group == "futures":
            values = {name: future(self.truth, length) for name, length in FUTURES.items()}
        else:
            values = {"belief": self.truth.belief, "decoy": wrong_beliefs(self.truth)}
        end = np.cumsum([v.shape[1] for v in values.values()])
        return {
            name: (slice(int(e) - v.shape[1], int(e)), v)
            for e, (name, v) in zip(end, values.items(), strict=True)
        }

    def _moments(self, trained: bool, group: str):
        def compute():
            labels = np.concatenate([values for _, values in self._labels(group).values()], axis=1)
            return [
                moments(self._stream(e), labels, self.truth)
                for e in (self.trained if trained else self.untrained)
            ]

        return self._remember(("moments", trained, group), compute)

    def _stream(self, evidence: Evidence) -> np.ndarray:
        return np.concatenate([evidence.activations[layer] for layer in self.layers], axis=1)

    def _columns(self, features: str) -> slice:
        width = [self.trained[0].activations[layer].shape[1] for layer in self.layers]
        end = np.cumsum(width)
        if features == CONCATENATED:
            return slice(int(end[0]), int(end[-1]))
        i = self.layers.index(features)
        return slice(int(end[i] - width[i]), int(end[i]))

    def _features(self, evidence: Evidence, features: str) -> np.ndarray:
        if features == CONCATENATED:
            return np.concatenate([evidence.activations[layer] for layer in self.layers[1:]], axis=1)
        return evidence.activations[features]

    def _remember(self, key: Any, compute: Callable[[], Any]) -> Any:
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]


def by_layer(study: Study) -> dict[str, np.ndarray]:
    """Held-out R2 at every layer and of all of them (layers + 1, seeds), trained and untrained, beside what
    needs no network.
    """
    features = (*study.layers, CONCATENATED)
    scores = {
        which: np.array([study.r2(f, trained=which == "trained") for f in features])
        for which in ("trained", "untrained")
    }
    return scores | {name: np.array(study.baseline(name).r2) for name in BASELINES}


def check(process: processes.Process, n_ctx: int) -> None:
    """Raises `processes.ProcessError` if networks trained on this process could not be probed with all
    controls.
    """
    t = truth(process, n_ctx)
    scored = t.fold >= 0
    if np.ptp(t.belief[scored], axis=0).max() < 1e-9:
        raise processes.ProcessError(
            f"the belief of {process.name} is the same after every history, so there is nothing to probe; "
            "choose another process"
        )
    wrong_beliefs(t)
    processes.markov(process, 1)


def study(run: train.Run) -> Study:
    """Observe the trained networks of a finished run, and as many untrained ones, on every context."""
    config = run.recipe.model
    what = truth(run.recipe.ground_truth(), config.n_ctx)
    trained, fresh = (
        observe(config, params, what, config.stream) for params in (run.params(), untrained(run.recipe))
    )
    return Study(what, config.stream, trained, fresh)


@train.pinned()
def untrained(recipe: train.Recipe) -> toy.Params:
    """Parameters of as many networks of the same shape (first axis), newly initialised from seeds of their
    own.
    """
    seeds = UNTRAINED_SEEDS + recipe.first_seed + np.arange(recipe.seeds)
    return jax.device_get(
        train.jit(jax.vmap(lambda seed: toy.network(recipe.model).init(train.key(seed))))(seeds)
    )


# What depends on the truth alone is worked out once for all studies of it.


@lru_cache(maxsize=32)
def baseline(truth: Truth, name: str, labels: str = "belief") -> tuple[Probe, np.ndarray]:
    """Probe onto beliefs (or a future) from the features in `BASELINES` of this name, and what it predicts
    for each context (N, m).
    """
    features = BASELINES[name](truth)
    found = probe(
        moments(features, future(truth, FUTURES[labels]) if labels in FUTURES else truth.belief, truth)
    )
    return found, found.predict(features, truth.fold)


FUTURES = {"next_2": 2, "next_3": 3, "next_4": 4}
"""Names of the laws of the next words that can be probed for, and the length of these words."""


@lru_cache(maxsize=16)
def future(truth: Truth, length: int) -> Float[np.ndarray, "N m"]:
    """Exact law of the next `length` tokens after every context, in orthonormal coordinates of the space that
    it varies in.

    P(next word = u | context) = belief T[u_1] ... T[u_length] w is linear in the belief, so all V^length
    probabilities live in at most S - 1 dimensions; a rotation leaves every sum of squares, hence every R2, as
    it is.
    """
    process = truth.process
    outcome = process.w[:, None]
    for _ in range(length):
        outcome = np.einsum("xij,jk->ixk", process.T, outcome).reshape(process.n_states, -1)
    law = truth.belief @ outcome
    centred = law - truth.weight @ law / truth.weight.sum()
    size, axes = np.linalg.eigh(centred.T @ centred)
    return centred @ axes[:, size > 1e-12 * size[-1]]


@lru_cache(maxsize=8)
def wrong_beliefs(truth: Truth) -> np.ndarray:
    """Beliefs, on the same contexts, of `DECOYS` observers who take the data for those of random processes of
    equal entropy rate.

    Side by side, so that a probe's R2 is that of all of them together: between single decoys it differs more
    than between networks.
    """
    return np.concatenate(
        [truth.believed(processes.decoy(truth.process, seed=k)) for k in range(DECOYS)], axis=1
    )


def token_window(truth: Truth) -> Float[np.ndarray, "N d"]:
    """One-hot of every token read so far, by its distance into the past: the additive model of beliefs.

    Of long contexts only the last tokens, as many as make up to `WINDOW` features.
    """
    lag = np.arange(min(truth.n_ctx, max(HISTORY, WINDOW // truth.process.vocab)))
    index = truth.position[:, None] - lag
    tokens = np.where(index >= 0, np.take_along_axis(truth.words, index.clip(0), 1), -1)
    return (tokens[:, :, None] == np.arange(truth.process.vocab)).reshape(len(tokens), -1).astype(np.float64)


def _markov(order: int) -> Callable[[Truth], np.ndarray]:
    return lambda truth: truth.believed(processes.markov(truth.process, order))


BASELINES: dict[str, Callable[[Truth], Float[np.ndarray, "N d"]]] = {
    "token_window": token_window,
    "next_token": lambda truth: truth.next_token,
    "markov_1": _markov(1),
    "markov_2": _markov(2),
    "markov_3": _markov(3),
}
"""What else a network might represent: features from which the beliefs are predicted in its place."""
