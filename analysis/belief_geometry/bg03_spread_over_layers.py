"""BG3: where next-token distributions merge beliefs that differ, their geometry is spread over the layers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

import processes

from ..claim import Claim, Criterion, Published
from ..controls import standard
from ..instruments.probing.by_layer import ByLayer, by_layer
from ..instruments.probing.study import CONCATENATED, Study
from ..recipes import one_run
from .features import all_layers
from .next_token import unless_determined
from .wording import SHAI


def _beyond_best_layer(study: Study) -> Float[np.ndarray, "seeds"]:
    return study.r2(CONCATENATED) - np.max([study.r2(layer) for layer in study.layers], axis=0)


def _in_sample(
    study: Study, *, features: str = CONCATENATED, trained: bool = True
) -> Float[np.ndarray, "seeds"]:
    return np.array([p.r2_in_sample for p in study.probes(features, trained=trained)])


def _several_blocks(study: Study) -> bool:
    """Before the first block and after it alone, there is nothing to spread over."""
    return len(study.layers) > 2


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {"R2 of all layers": 1.0, "R2 of a single layer": "less"}


BG3: Claim[Study, ByLayer] = Claim(
    id="BG3",
    statement=(
        "The belief geometry is spread over layers: all of them together show more of it than the best one."
    ),
    source=SHAI,
    tested_on=("rrxor", "nemo", "random_insertion", "fanizza"),
    runs=2,
    recipes=one_run,
    prediction=_prediction,
    refusal=unless_determined,
    criteria=(
        Criterion(
            "held-out R2, all layers minus best layer",
            _beyond_best_layer,
            above=0.05,
            only_if=_several_blocks,
        ),
    ),
    controls=standard(all_layers),
    shown=by_layer,
    drawn_from=ByLayer,
    published=(
        Published(
            "in sample: R2 of all layers",
            ".82 on RRXOR, where the last layer has .61 (replication by others of Shai et al. 2024)",
            _in_sample,
            partial(_in_sample, trained=False),
        ),
    ),
    literature={
        "rrxor": "in sample, by layer .40 .47 .55 .61, next-token distributions .27 (replication by others)"
    },
    would_change=(
        "Single layers that hold as much as all of them together, in networks that have learned the process."
    ),
    revision=2,
    limits=(
        "All layers together have four times the features of one. Held out by history that is no advantage "
        "by itself (shuffles and untrained networks have them too), but a part of the difference may be "
        "redundancy rather than spread."
    ),
)
