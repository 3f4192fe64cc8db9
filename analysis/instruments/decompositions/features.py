"""What latents are worth whose true features are known: of a dictionary, of principal components, or of any
other map of activations that a user brings.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

import toy

from ..contexts import Contexts
from ..statistics import group_means
from .factors import marginals, sizes

Features = Mapping[str, Float[np.ndarray, "N n"]]
"""True features by the group that they belong to, as the beliefs about one factor."""
FIRES = 1e-4
"""Share of all weight on which a latent has to be other than zero, or it is dead."""
ALIKE = 0.5
"""Correlation from which on a latent counts as one of a feature's own."""
DIGITS = 9
"""To which features, and correlations, are equal."""
FAINT = 1e-9
"""Standard deviation, beside the largest value, of what does not vary."""


@dataclass(frozen=True, eq=False)
class Score:
    """What is found of true features in latents."""

    match: Mapping[str, Float[np.ndarray, "n"]]
    """By group, of each feature: the largest correlation, without its sign, with any latent."""
    purity: Float[np.ndarray, "live"]
    """Of each live latent: the share of its variance that is a function of one group's features, of the group
    of which that is most.
    """
    of: tuple[str, ...]  # that group
    dead: float  # share of latents that hardly ever fire
    split: float  # share of live latents that are a second one, or a third, of one feature
    active: float  # latents other than zero at a time, mean

    @property
    def matched(self) -> float:
        """Mean of `match` over all features."""
        return float(np.concatenate(list(self.match.values())).mean())

    @property
    def pure(self) -> float:
        """Mean of `purity`; zero where every latent is dead."""
        return float(self.purity.mean()) if len(self.purity) else 0.0


def factored_beliefs(contexts: Contexts) -> Features:
    """The belief about each factor of a product, (N, S_k), as features by factor."""
    found = marginals(contexts.belief, sizes(contexts.process))
    return {f"factor {k}": belief for k, belief in enumerate(found)}


def score(
    latents: np.ndarray,
    features: Mapping[str, np.ndarray],
    weight: np.ndarray,
    apart: np.ndarray | None = None,
) -> Score:
    """Score latents (N, m) against true features, (N, n) by group, on contexts of weights (N,).

    The variance that purity is a share of is that within each value of `apart`, as the length of a context;
    where groups are independent there, shares of different groups add up to at most one. A feature that does
    not vary matches nothing. Raises `toy.ModelError` for arrays that do not belong together.
    """
    z, w = np.asarray(latents, np.float64), np.asarray(weight, np.float64)
    _check(z, features, w)
    w = w / w.sum()
    live = w @ (z != 0) >= FIRES
    names = [(group, k) for group, values in features.items() for k in range(np.shape(values)[1])]
    stacked = np.column_stack([np.asarray(values, np.float64) for values in features.values()])
    likeness = np.abs(_correlation(z[:, live], stacked, w))
    best = likeness.max(0, initial=0.0)
    match = {g: best[[k for k, (of, _) in enumerate(names) if of == g]] for g in features}
    shares, groups = _told(z[:, live], features, w, apart)
    own = likeness.argmax(1)[likeness.max(1) >= ALIKE] if live.any() else np.zeros(0, int)
    return Score(
        match,
        shares.max(1, initial=0.0),
        tuple(groups[k] for k in shares.argmax(1)) if live.any() else (),
        1 - float(live.mean()),
        (len(own) - len(np.unique(own))) / max(int(live.sum()), 1),
        float(w @ (z != 0).sum(1)),
    )


def _check(z: np.ndarray, features: Mapping[str, np.ndarray], w: np.ndarray) -> None:
    shapes = {group: np.shape(values) for group, values in features.items()}
    if z.ndim != 2 or w.shape != z.shape[:1] or not shapes:
        raise toy.ModelError(
            f"latents have shape {z.shape}, weights {w.shape}, and there are {len(shapes)} groups of "
            "features; give (N, m), (N,) and at least one group"
        )
    for group, shape in shapes.items():
        if len(shape) != 2 or shape[0] != len(z):
            raise toy.ModelError(
                f"the features of {group!r} have shape {shape}; they must be ({len(z)}, n), a row for each "
                "context"
            )
    if not np.isfinite(z).all():
        raise toy.ModelError("some latents are not finite; leave these out")


def _correlation(z: np.ndarray, f: np.ndarray, w: np.ndarray) -> Float[np.ndarray, "m n"]:
    """Weighted Pearson correlations; zero where either does not vary."""
    a, b = (_standardised(x, w) for x in (z, f))
    return np.round((a * w[:, None]).T @ b, DIGITS)  # features that are equal but for sign tie


def _standardised(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    centred = x - w @ x
    size = np.sqrt(w @ centred**2)
    varies = size > FAINT * np.abs(x).max(0, initial=0.0)
    return centred * (varies / np.where(varies, size, 1.0))


def _told(
    z: np.ndarray, features: Mapping[str, np.ndarray], w: np.ndarray, apart: np.ndarray | None
) -> tuple[Float[np.ndarray, "m groups"], tuple[str, ...]]:
    """Var(E[z | features of a group]) / Var(z) for each latent and group, all within `apart`."""
    base = np.zeros(len(z), np.int64) if apart is None else np.unique(apart, return_inverse=True)[1]
    centred = z - group_means(z, base, w)[base]
    total = w @ centred**2
    varies = total > (FAINT * np.abs(z).max(0, initial=0.0)) ** 2
    total = np.where(varies, total, np.inf)
    found = []
    for values in features.values():
        keys = np.column_stack([base, np.round(np.asarray(values, np.float64), DIGITS) + 0.0])
        of = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
        found.append(w @ group_means(centred, of, w)[of] ** 2 / total)
    return np.array(found).T.reshape(z.shape[1], len(features)), tuple(features)
