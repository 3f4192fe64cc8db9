"""How much of the beliefs a probe finds at each layer, beside what needs no network."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .baselines import BASELINES
from .study import CONCATENATED, Study


@dataclass(frozen=True, eq=False)
class ByLayer:
    """Held-out R2 before the first block, after each, and of all layers side by side."""

    trained: Float[np.ndarray, "features seeds"]
    untrained: Float[np.ndarray, "features seeds"]
    baselines: Mapping[str, float]  # by a name in `BASELINES`


def by_layer(study: Study) -> ByLayer:
    """R2 at every layer of every network of a study."""
    features = (*study.layers, CONCATENATED)
    return ByLayer(
        np.array([study.r2(f) for f in features]),
        np.array([study.r2(f, trained=False) for f in features]),
        {name: study.baseline(name).r2 for name in BASELINES},
    )
