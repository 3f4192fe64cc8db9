"""What is found of the beliefs about factors in a stream: by sparse dictionaries, and by what they are
compared with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from processes.algebra.span import random_frame

from ..instruments.contexts import Contexts
from ..instruments.decompositions.dictionaries import KINDS, Kind, dictionary
from ..instruments.decompositions.factors import sizes
from ..instruments.decompositions.features import factored_beliefs, score
from ..instruments.probing.probe import moments, probe
from ..instruments.statistics import principal

WIDTH = 4
"""Latents for every feature."""
Statistic = Literal["purity", "matched"]


class Latents(NamedTuple):
    """What latents of one kind came to."""

    matched: float  # correlation of features with their best latents, mean
    purity: float  # share of a live latent's variance that one factor tells, mean
    dead: float
    split: float
    active: float
    explained: float  # share of the variance that is reconstructed; not a number where nothing is


@dataclass(frozen=True, eq=False)
class Found:
    """The same of all networks, by where the latents come from: `topk`, `jumprelu` (dictionaries of the
    stream), `topk, ideal` and `jumprelu, ideal` (of beliefs in random directions), `random` (as initialised),
    `principal` (components), `truth` (beliefs as they are probed), `untrained` (TopK of untrained networks).
    """

    sampled: int | None
    sizes: tuple[int, ...]
    matched: Mapping[str, Float[np.ndarray, "seeds"]]
    purity: Mapping[str, Float[np.ndarray, "seeds"]]
    dead: Mapping[str, Float[np.ndarray, "seeds"]]
    split: Mapping[str, Float[np.ndarray, "seeds"]]
    active: Mapping[str, Float[np.ndarray, "seeds"]]
    variance: Mapping[str, Float[np.ndarray, "seeds"]]  # explained, of dictionaries
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    def best(self, what: Statistic) -> Float[np.ndarray, "seeds"]:
        """The larger of both kinds of dictionary."""
        values = self.purity if what == "purity" else self.matched
        return np.max([values[kind] for kind in KINDS], axis=0)

    def explained(self) -> Float[np.ndarray, "seeds"]:
        """The smaller share of the variance that the two kinds of dictionary reconstruct."""
        return np.min([self.variance[kind] for kind in KINDS], axis=0)


def sparsity(sizes: Sequence[int]) -> int:
    """Latents that are active at a time: dimensions of the beliefs about all factors."""
    return sum(n - 1 for n in sizes)


def found(
    x: Float[np.ndarray, "N d"], truth: Contexts, *, seed: int, kinds: Sequence[Kind] = KINDS
) -> dict[str, Latents]:
    """What dictionaries of a stream (N, d) come to, and what random directions, principal components and
    probed beliefs do.
    """
    x, n = np.asarray(x, np.float64), sizes(truth.process)
    fit, other = (np.where(truth.half(k), truth.weight, 0.0) for k in (0, 1))
    rows = fit > 0
    fitted = partial(dictionary, x[rows], fit[rows], latents=WIDTH * sum(n), k=sparsity(n), seed=seed)
    out: dict[str, Latents] = {}
    for kind in kinds:
        made = fitted(kind=kind)
        out[kind] = judge(made(x), truth, made.explained(x, other))
    if kinds == KINDS:
        out["random"] = judge(fitted(steps=0)(x), truth)
        out["principal"] = judge(_principal(x, fit, sparsity(n)), truth)
        features = np.hstack(list(factored_beliefs(truth).values()))
        out["truth"] = judge(probe(moments(x, features, truth)).predict(x, truth.fold), truth)
    return out


def of_an_ideal_code(truth: Contexts, width: int, *, seed: int) -> dict[Kind, Latents]:
    """What dictionaries come to of a stream that is the beliefs in random orthogonal directions."""
    held = np.hstack(list(factored_beliefs(truth).values()))
    rng = np.random.default_rng(seed)
    axes = random_frame(max(width, held.shape[1]), held.shape[1], rng).T
    return {kind: found(held @ axes, truth, seed=seed, kinds=(kind,))[kind] for kind in KINDS}


def judge(latents: Float[np.ndarray, "N m"], truth: Contexts, explained: float = float("nan")) -> Latents:
    """Latents against beliefs about factors: matched on the half of the histories that no dictionary was
    fitted on, pure or not on all that are held out.
    """
    features = factored_beliefs(truth)

    def on(rows: np.ndarray):
        of = {group: values[rows] for group, values in features.items()}
        return score(latents[rows], of, truth.weight[rows], truth.length[rows])

    other, every = on(np.flatnonzero(truth.half(1))), on(np.flatnonzero(truth.fold >= 0))
    return Latents(other.matched, every.pure, every.dead, every.split, every.active, explained)


def _principal(
    x: Float[np.ndarray, "N d"], weight: Float[np.ndarray, "N"], k: int
) -> Float[np.ndarray, "N k"]:
    """The strongest principal components on contexts of these weights."""
    mean, _, axes = principal(x, weight / weight.sum())
    return (x - mean) @ axes[:, : -k - 1 : -1]


def joined(
    rows: Sequence[Mapping[str, Latents]], truth: Contexts, unlearned: Float[np.ndarray, "seeds"]
) -> Found:
    """What was found in every network, as one record."""

    def of(field: str) -> dict[str, np.ndarray]:
        return {name: np.array([getattr(row[name], field) for row in rows]) for name in rows[0]}

    variance = {name: value for name, value in of("explained").items() if not np.isnan(value).any()}
    return Found(
        truth.sampled,
        sizes(truth.process),
        matched=of("matched"),
        purity=of("purity"),
        dead=of("dead"),
        split=of("split"),
        active=of("active"),
        variance=variance,
        unlearned=unlearned,
    )
