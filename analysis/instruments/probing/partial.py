"""What networks tell of beliefs beyond a rival: held-out R2 of both together, and the part of what the rival
leaves that the networks explain.
"""

from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float, Float64

from ..contexts import Contexts
from .baselines import BASELINES
from .probe import moments, probes
from .ridge import Moments
from .study import Study, group_of

R2 = TypeVar("R2", float, np.ndarray)
LEAST_LEFT = 1e-6
"""Of R2: what a rival leaves of labels that it tells completely is rounding, 1e-10 or so by processor, and a
share of it would be noise.
"""


def partial_r2(both: R2, rival: float) -> R2:
    """What features explain of that which a rival leaves: (R2 of both side by side - R2 of the rival) / (1 -
    R2 of the rival).
    """
    return (both - rival) / max(1 - rival, LEAST_LEFT)


class Beyond(NamedTuple):
    """What features add to a rival, network by network."""

    rival: float
    """Held-out R2 of the rival alone."""
    both: Float64[np.ndarray, "seeds"]
    """Held-out R2 of features and rival side by side."""

    @property
    def increment(self) -> Float64[np.ndarray, "seeds"]:
        """R2 of both minus R2 of the rival."""
        return self.both - self.rival

    @property
    def partial(self) -> Float64[np.ndarray, "seeds"]:
        """The increment as a share of what the rival leaves unexplained."""
        return partial_r2(self.both, self.rival)


def beyond(
    study: Study, features: str, rival: str, *, trained: bool = True, labels: str = "belief"
) -> Beyond:
    """What a layer of each network (or all, `study.CONCATENATED`) adds to a rival in `BASELINES`, of
    `labels`: those of `Study.probes`.
    """

    def compute() -> Beyond:
        both = _side_by_side(study, features, rival, trained, group_of(labels))
        columns = slice(None), study.columns_of(labels)
        found = probes([m[columns] for m in both])
        return Beyond(study.baseline(rival, labels).r2, np.array([p.r2 for p in found]))

    return study.once(("beyond", features, rival, trained, labels), compute)


def _side_by_side(study: Study, features: str, rival: str, trained: bool, group: str) -> list[Moments]:
    """Moments of features and the rival, which is given the variance that a feature has, so that one penalty
    means the same to both.
    """

    def compute() -> list[Moments]:
        labels = study.labels_of(group)
        extra = BASELINES[rival](study.contexts)
        return [
            moments(
                beside(study.features_of(network, features), extra, study.contexts), labels, study.contexts
            )
            for network in (study.trained if trained else study.untrained)
        ]

    return study.once(("side by side", features, rival, trained, group), compute)


def beside(
    x: Float[np.ndarray, "N d"], rival: Float[np.ndarray, "N k"], contexts: Contexts
) -> Float[np.ndarray, "N f"]:
    """Features with a rival's at their side: columns of the rival that vary, each with the mean variance of a
    feature.
    """
    scale = np.sqrt(_variance(x, contexts).mean())
    return np.concatenate([x, scale * _standard(rival, contexts)], axis=1)


def _variance(x: Float[np.ndarray, "N d"], contexts: Contexts) -> Float64[np.ndarray, "d"]:
    scored = contexts.fold >= 0
    x, weight = np.asarray(x[scored], np.float64), contexts.weight[scored] / contexts.weight[scored].sum()
    return np.asarray(weight @ (x - weight @ x) ** 2)


def _standard(x: Float64[np.ndarray, "N d"], contexts: Contexts) -> Float64[np.ndarray, "N k"]:
    """Columns of mean zero and variance one; those that are constant are left out."""
    variance = _variance(x, contexts)
    varies = variance > 1e-12 * max(variance.max(), np.finfo(float).tiny)
    weight = np.where(contexts.fold >= 0, contexts.weight, 0.0)
    return np.asarray((x - weight @ x / weight.sum())[:, varies] / np.sqrt(variance[varies]))
