"""Where next-token laws merge beliefs that differ, their geometry is spread over the layers."""

import numpy as np

from ..claim import Claim, Criterion
from ..controls import standard
from ..instruments.study import CONCATENATED, Study, by_layer
from ..recipes import one_run
from .bg01_affine_image import SHAI
from .bg04_beyond_next_token import DETERMINED_REASON, determined


def all_layers(study: Study) -> str:
    """The features probed here: the residual stream after every block, side by side."""
    return CONCATENATED


def _beyond_best_layer(study: Study):
    if len(study.layers) < 3:  # before the first block, after it: nothing to spread over
        return None
    return study.r2(CONCATENATED) - np.max([study.r2(layer) for layer in study.layers], axis=0)


BG3 = Claim(
    id="BG3",
    statement=(
        "The belief geometry is spread over layers: all of them together show more of it than the best one."
    ),
    source=SHAI,
    tested_on=("rrxor",),
    recipes=one_run,
    prediction=lambda process, n_ctx: {"R2 of all layers": 1.0, "R2 of a single layer": "less"},
    refusal=lambda process, n_ctx: DETERMINED_REASON if determined(process) else None,
    criteria=(Criterion("held-out R2, all layers minus best layer", _beyond_best_layer, above=0.05),),
    controls=standard(all_layers),
    shown=by_layer,
    literature={
        "rrxor": "in sample, by layer .40 .47 .55 .61, all layers .82, next-token law .27 (replication by "
        "others "
        "of Shai et al. 2024)"
    },
    limits="All layers together have four times the features of one. Held out by history that is no "
    "advantage "
    "by itself (shuffles and untrained "
    "networks have them too), but a part of the difference may be redundancy rather than spread.",
)
