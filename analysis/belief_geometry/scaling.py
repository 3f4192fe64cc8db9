"""How clouds of probed beliefs fill space, measured as the true beliefs are: same contexts, same range of
scales, same estimator.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

import processes
from processes.geometry.information_dimension import POINTS_PER_BOX

from ..instruments.contexts import Contexts, shuffled_beliefs
from ..instruments.probe import moments, probe
from ..instruments.study import Study

COARSEST = 0.5
"""Largest box, as a fraction of the cloud's extent."""
FIDELITY = 0.985
"""A cloud is expected to be at least this faithful (held-out R2, the threshold of BG1), so finer boxes than
its residual are not used.
"""


@dataclass(frozen=True, eq=False)
class Scaling:
    """Dimensions of several clouds over one range of scales, and the curves they are the slopes of."""

    true: float
    probed: Float[np.ndarray, "seeds"]
    untrained: Float[np.ndarray, "seeds"]
    shuffled: Float[np.ndarray, "seeds"]
    box: Float[np.ndarray, "K"]  # side of the boxes as a fraction of a cloud's extent
    fitted: Bool[np.ndarray, "K"]
    curves: dict[str, Float[np.ndarray, "networks K"]]  # box entropies, nats


def deepest(truth: Contexts) -> np.ndarray:
    """Which contexts make the clouds: the longest, whose beliefs are nearest to their long-run law."""
    return np.flatnonzero(truth.length == truth.n_ctx)


def scales(truth: Contexts) -> tuple[float, float]:
    """Finest and coarsest box, as fractions of the extent, from the true beliefs alone.

    The finest is the root mean square residual that a probe of R2 `FIDELITY` has: sqrt((1 - R2) Var b) /
    extent. What such a probe adds to a point is larger than anything finer.
    """
    here = deepest(truth)
    belief, weight = truth.belief[here], truth.weight[here] / truth.weight[here].sum()
    variance = weight @ ((belief - weight @ belief) ** 2).sum(1)
    return float(np.sqrt((1 - FIDELITY) * variance) / np.ptp(belief, axis=0).max()), COARSEST


def refusal(truth: Contexts) -> str | None:
    """Why the dimension of the beliefs cannot be estimated at these scales, if so."""
    if processes.mixed_states(truth.process) is not None:
        return "it has finitely many mixed states, whose dimension is zero"
    here = deepest(truth)
    finest, coarsest = scales(truth)
    if coarsest / finest < 2:
        return f"boxes between {finest:.2f} and {coarsest} of the extent are fewer than three scales"
    found = processes.information_dimension(truth.belief[here], truth.weight[here], fit=(finest, coarsest))
    share = truth.weight[here] / truth.weight[here].sum()
    full = float(np.exp(processes.entropy(share) - found.information[found.fitted].max()))
    if full < POINTS_PER_BOX:
        return (
            f"its {len(here)} longest contexts put {full:.0f} points in a box of the finest scale, and "
            f"{POINTS_PER_BOX} are needed; use longer ones"
        )
    return None


def scaling(study: Study) -> Scaling:
    """Dimensions of the true beliefs, of those probed from each network's final layer, and of what probes of
    shuffled beliefs give.
    """
    t, layer = study.contexts, study.final_layer
    here, fit = deepest(t), scales(t)

    def measured(points: np.ndarray) -> processes.InformationDimension:
        return processes.information_dimension(points[here], t.weight[here], fit=fit)

    found = {
        "true": [measured(t.belief)],
        "probed": [measured(p) for p in study.points(layer)],
        "untrained": [measured(p) for p in study.points(layer, trained=False)],
        "shuffled": [measured(p) for p in _shuffled(study, layer)],
    }
    k = min(len(d.box) for cloud in found.values() for d in cloud)
    value = {name: np.array([d.value for d in cloud]) for name, cloud in found.items()}
    curves = {name: np.array([d.information[:k] for d in cloud]) for name, cloud in found.items()}
    true = found["true"][0]
    return Scaling(
        float(true.value),
        value["probed"],
        value["untrained"],
        value["shuffled"],
        true.box[:k],
        true.fitted[:k],
        curves,
    )


def _shuffled(study: Study, layer: str) -> list[np.ndarray]:
    """What probes predict that are fitted to beliefs shuffled among contexts of equal length; one shuffle per
    network.
    """
    t, rng, out = study.contexts, np.random.default_rng(0), []
    for network in study.trained:
        labels = shuffled_beliefs(t, rng)
        x = network.activations[layer]
        out.append(probe(moments(x, labels, t)).predict(x, t.fold))
    return out
