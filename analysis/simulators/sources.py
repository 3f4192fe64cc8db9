"""Who writes: what is exact about the components of a mixture on every context, what else tells of them, and
how much networks add to that.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

import processes

from ..instruments.contexts import FEW_CONTEXTS, Contexts
from ..instruments.decompositions.mixtures import POSSIBLE, the_mixture
from ..instruments.probing.baselines import BASELINES, token_window
from ..instruments.probing.partial import Beyond, beside
from ..instruments.probing.probe import moments, probe
from ..instruments.probing.ridge import Moments
from ..instruments.probing.study import CONCATENATED, Study

SAME_WEIGHT = 1e-9
MOST_GROUPINGS = 20_000
"""Ways to group hidden states up to which those of equal weights are looked for."""


def pair_counts(contexts: Contexts) -> Float64[np.ndarray, "N pairs"]:
    """How often each pair of neighbouring symbols has been read so far."""
    V, words = contexts.process.vocab, contexts.words
    pair = np.where(words[:, 1:] >= 0, words[:, :-1] * V + words[:, 1:], -1)
    return np.stack([(pair == k).sum(1) for k in range(V * V)], 1).astype(np.float64)


FEATURES = {
    "next_token": BASELINES["next_token"],
    "token_window": token_window,
    "pair_counts": pair_counts,
    "markov_3": BASELINES["markov_3"],
}
"""What else tells which component writes, without any network."""
TOGETHER = ("next_token", "token_window", "pair_counts")


class Labels(NamedTuple):
    """Something to be read from networks, and the weight of each context in that."""

    value: Float64[np.ndarray, "N m"]
    weight: Float64[np.ndarray, "N"]


class Within(NamedTuple):
    """What the belief about the states of a component, on its own text, is called among labels."""

    component: int

    def __str__(self) -> str:
        return f"within {self.component}"


Name = str | Within
"""Of a label."""


def labels(contexts: Contexts) -> Mapping[Name, Labels]:
    """By name: `posterior` of the components; `log odds` of each against the first, where none is excluded;
    `Within` each of them; `regrouped`, the posteriors of all other groupings of hidden states into groups of
    the components' weights.

    What does not vary, or is left with too few contexts, is not among them.
    """
    mixture = the_mixture(contexts.process)
    posterior = mixture.posterior(contexts.belief)
    possible = posterior.min(1) > POSSIBLE
    odds = np.log(np.where(possible[:, None], posterior, 1.0))
    found: dict[Name, Labels] = {
        "posterior": Labels(posterior, contexts.weight),
        "log odds": Labels(odds[:, 1:] - odds[:, :1], contexts.weight * possible),
    }
    for k in range(len(mixture.components)):
        within = np.nan_to_num(mixture.within(contexts.belief, k), nan=0.0, posinf=0.0, neginf=0.0)
        found[Within(k)] = Labels(within, contexts.weight * posterior[:, k].clip(0))
    if (other := regrouped(mixture)).size:
        found["regrouped"] = Labels(contexts.belief @ other, contexts.weight)
    return {name: label for name, label in found.items() if _varies(label, contexts)}


def _varies(label: Labels, contexts: Contexts) -> bool:
    """Whether there is something to tell on enough contexts and histories that are held out."""
    scored = (contexts.fold >= 0) & (label.weight > 0)
    if scored.sum() < FEW_CONTEXTS or len(np.unique(contexts.fold[scored])) < 3:
        return False
    return bool(np.ptp(label.value[scored], axis=0).max() > 1e-9)


def regrouped(mixture: processes.Mixture) -> Float64[np.ndarray, "S n"]:
    """Indicators of the hidden states of every group, of all groupings but the ergodic one whose groups have
    the weights of the components in the long run, so that it would take as much to know them.

    A belief times an indicator is the posterior of the group: another decomposition of the same words into as
    many sources, of which the ergodic one is the only one that no text leaves. None (S, 0) where there are
    too many ways to look through.
    """
    process, K = mixture.process(), len(mixture.components)
    weight = process.start * process.w
    if K ** (process.n_states - 1) > MOST_GROUPINGS:
        return np.zeros((process.n_states, 0))
    own = np.repeat(np.arange(K), np.diff(mixture.offsets))
    found: dict[frozenset[bytes], np.ndarray] = {}
    for rest in product(range(K), repeat=process.n_states - 1):
        group = np.eye(K)[[0, *rest]]
        if np.allclose(np.sort(weight @ group), np.sort(mixture.weights), rtol=0, atol=SAME_WEIGHT):
            found.setdefault(frozenset(column.tobytes() for column in group.T), group)
    found.pop(frozenset(column.tobytes() for column in np.eye(K)[own].T), None)
    return np.hstack([np.zeros((process.n_states, 0)), *found.values()])


def rival_r2(study: Study, label: Name, rivals: tuple[str, ...] = TOGETHER) -> float | None:
    """Held-out R2 of a label from what needs no network; None where there is nothing to tell."""
    if label not in _labels(study):
        return None
    return study.once(
        ("rival", label, rivals), lambda: _r2(study, label, rival_features(study.contexts, rivals))
    )


def told(study: Study, label: Name, rivals: tuple[str, ...] = TOGETHER, *, trained: bool = True) -> Beyond:
    """Held-out R2 of a label from what needs no network, and from that beside all layers of each network."""

    def compute() -> Beyond:
        known, extra = rival_r2(study, label, rivals), rival_features(study.contexts, rivals)
        assert known is not None
        networks = study.trained if trained else study.untrained
        every = (study.features_of(network, CONCATENATED) for network in networks)
        both = [_r2(study, label, beside(x, extra, study.contexts)) for x in every]
        return Beyond(known, np.array(both))

    return study.once(("told", label, rivals, trained), compute)


def alone(study: Study, label: Name, *, trained: bool = True) -> Float64[np.ndarray, "seeds"]:
    """Held-out R2 of a label from all layers of each network."""

    def compute() -> np.ndarray:
        networks = study.trained if trained else study.untrained
        return np.array([_r2(study, label, study.features_of(n, CONCATENATED)) for n in networks])

    return study.once(("alone", label, trained), compute)


def _labels(study: Study) -> Mapping[Name, Labels]:
    return study.once("labels of a mixture", lambda: labels(study.contexts))


def rival_features(contexts: Contexts, rivals: tuple[str, ...]) -> Float64[np.ndarray, "N k"]:
    """What needs no network, side by side."""
    return np.concatenate([FEATURES[rival](contexts) for rival in rivals], axis=1)


def _r2(study: Study, label: Name, x: Float[np.ndarray, "N d"]) -> float:
    return label_r2(study.contexts, _labels(study)[label], x)


def label_r2(contexts: Contexts, label: Labels, x: Float[np.ndarray, "N d"]) -> float:
    """Held-out R2 of a probe onto a label, contexts weighted as it says."""
    value, weight = label
    weighed = replace(contexts, weight=weight / weight.sum())
    found = moments(x, value, weighed)
    there = np.append(found.w[:-1] > 0, True)  # folds in which the label weighs anything
    return probe(Moments(*(getattr(found, f.name)[there] for f in fields(Moments)))).r2
