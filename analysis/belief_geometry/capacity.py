"""Fidelity against the width of the residual stream, and the width from which more of it gains little."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

import processes
import train

from ..controls import ControlStatistics, keep
from ..instruments.contexts import Contexts
from ..instruments.study import Study, study

REACHED = 0.9
"""Share of the way from one dimension to the best width that is reached at the knee."""


@dataclass(frozen=True, eq=False)
class Capacity:
    """Held-out R2 of the best layer at every width."""

    width: Int[np.ndarray, "K"]
    trained: Float[np.ndarray, "K seeds"]
    untrained: Float[np.ndarray, "K seeds"]
    bound: Float[np.ndarray, "K"]  # most that any features of so many dimensions can reach
    dimension: int  # of the smallest affine space that holds the beliefs
    controls: ControlStatistics  # at the greatest width

    @property
    def knee(self) -> Float[np.ndarray, "seeds"]:
        """Width at the knee of each seed's curve."""
        return np.array([knee(self.width, curve) for curve in self.trained.T])


def best_layer(study: Study) -> str:
    """The layer whose R2 is highest on average. One layer, because side by side they have more dimensions
    than the stream.
    """
    return max(study.layers[1:], key=lambda layer: study.r2(layer).mean())


def capacity(runs: Mapping[int, train.Run]) -> Capacity:
    """Study the runs of all widths, narrowest first; activations are let go width by width."""
    trained, untrained, width = [], [], sorted(runs)
    for d in width:
        s = study(runs[d])
        layer = best_layer(s)
        trained.append(s.r2(layer))
        untrained.append(s.r2(layer, trained=False))
    bounds = np.array([bound(s.contexts, d) for d in width])
    return Capacity(
        np.array(width),
        np.array(trained),
        np.array(untrained),
        bounds,
        dimension(s.contexts.process),
        keep(s, best_layer),
    )


def knee(width: Int[np.ndarray, "K"], r2: Float[np.ndarray, "K"]) -> float:
    """Width at which R2 first reaches r2[0] + REACHED (max r2 - r2[0]), linear in log2 of the width between
    those measured.
    """
    target = r2[0] + REACHED * (r2.max() - r2[0])
    k = int(np.argmax(r2 >= target))
    if k == 0:  # no width is better than the first
        return float(width[0])
    share = (target - r2[k - 1]) / (r2[k] - r2[k - 1])
    return float(2 ** (np.log2(width[k - 1]) + share * np.log2(width[k] / width[k - 1])))


def dimension(process: processes.Process) -> int:
    """Dimension of the smallest affine space that holds all beliefs: S - 1 where no hidden state is
    redundant.
    """
    return len(processes.belief_span(process)) - 1


def bound(truth: Contexts, width: int) -> float:
    """Share of the beliefs' variance in their first `width` principal components: no affine image of as many
    features explains more.
    """
    scored = truth.fold >= 0
    w, b = truth.weight[scored] / truth.weight[scored].sum(), truth.belief[scored]
    centred = (b - w @ b) * np.sqrt(w)[:, None]
    variance = np.linalg.svd(centred, compute_uv=False) ** 2
    return float(variance[:width].sum() / variance.sum())
