"""BG2: the map from the final residual stream to beliefs is linear: it needs no offset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

import processes

from ..claim import Claim, Criterion
from ..controls import standard
from ..instruments.probing.study import Study
from ..recipes import one_run
from .features import final_layer


@dataclass(frozen=True, eq=False)
class Offset:
    """Held-out R2 at every layer."""

    affine: Float[np.ndarray, "layers seeds"]
    linear: Float[np.ndarray, "layers seeds"]
    linear_centred: Float[np.ndarray, "layers seeds"]  # of activations minus their mean


def offset(study: Study) -> Offset:
    """Probes with an offset, without, and without after centring."""
    return Offset(
        np.array([study.r2(layer) for layer in study.layers]),
        np.array([study.r2(layer, intercept=False) for layer in study.layers]),
        np.array([study.r2(layer, intercept=False, centred=True) for layer in study.layers]),
    )


def _without_offset(study: Study, *, centred: bool = False) -> Float[np.ndarray, "seeds"]:
    """R2 of the linear map minus R2 of the affine map."""
    layer = study.final_layer
    return study.r2(layer, intercept=False, centred=centred) - study.r2(layer)


def _lost_when_centred(study: Study) -> Float[np.ndarray, "seeds"]:
    """Centred activations have no direction that is constant over contexts, and the mean belief is not
    zero.
    """
    return -_without_offset(study, centred=True)


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {"R2 without offset minus R2 with": 0.0}


BG2: Claim[Study, Offset] = Claim(
    id="BG2",
    statement="The map from the final residual stream to beliefs needs no offset.",
    source="A. Shai, public comments",
    tested_on=("mess3", "mess3:piotrowski2025", "rrxor", "nemo"),
    recipes=one_run,
    prediction=_prediction,
    criteria=(Criterion("R2 without offset minus R2 with", _without_offset, above=-0.002),),
    controls=(
        *standard(final_layer),
        Criterion(
            "centred activations do need one (R2 lost without)",
            _lost_when_centred,
            above=0.002,
            means="this probe would miss an offset that is needed",
        ),
    ),
    shown=offset,
    drawn_from=Offset,
    would_change=(
        "An affine map that reads beliefs better than a linear one by more than .002, on any process."
    ),
    revision=2,
    limits=(
        "A network with a constant direction in its residual stream needs no offset whatever it represents; "
        "the claim says that there is one."
    ),
)
