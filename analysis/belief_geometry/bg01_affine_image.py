"""BG1: beliefs are an affine image of the final residual stream."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

import processes

from ..claim import Claim, Criterion, Published
from ..controls import DETERMINED, standard
from ..instruments.contexts import contexts
from ..instruments.probing.baselines import baseline
from ..instruments.probing.by_layer import ByLayer, by_layer
from ..instruments.probing.study import Study
from ..recipes import one_run
from .features import final_layer
from .wording import SHAI


def _fidelity(study: Study) -> Float[np.ndarray, "seeds"]:
    """Held-out R2."""
    return study.r2(study.final_layer)


def _squared_error(study: Study, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
    """Mean squared error of a belief's coordinate, fitted and scored on every context."""
    label = study.contexts.belief
    spread = study.contexts.weight @ (label - study.contexts.weight @ label) ** 2
    found = study.probes(study.final_layer, trained=trained)
    return np.array([(1 - p.r2_in_sample) * spread.mean() for p in found])


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "R2 of a network that represents beliefs": 1.0,
        "dimension of the affine image": process.n_states - 1,
    }


def _additive(process: processes.Process, n_ctx: int) -> str | None:
    """Refuse where a sum over tokens gives the beliefs exactly: there is nothing to gain over it."""
    t = contexts(process, n_ctx)
    if not t.one_belief and baseline(t, "token_window").r2 > DETERMINED:  # of one belief R2 is 0 / 0
        return "an additive window of tokens determines the belief, so nothing can be gained over it"
    return None


BG1: Claim[Study, ByLayer] = Claim(
    id="BG1",
    statement="Beliefs are an affine image of the final residual stream.",
    source=SHAI,
    tested_on=(
        "mess3",
        "mess3:piotrowski2025",
        "nemo",
        "random_insertion",
        "rrxor",
        "sns",
        "fanizza",
    ),
    runs=2,
    recipes=one_run,
    prediction=_prediction,
    refusal=_additive,
    criteria=(Criterion("held-out R2, final layer", _fidelity, above=0.985, over="most"),),
    controls=standard(final_layer),
    shown=by_layer,
    drawn_from=ByLayer,
    published=(
        Published(
            "in sample: mean squared error of a belief, final layer",
            ".0004 on Mess3 (Shai et al. 2024)",
            _squared_error,
            partial(_squared_error, trained=False),
        ),
    ),
    literature={"mess3": "R2 .988 (replication by others)"},
    limits=(
        "Next-token distributions determine the belief of Mess3, so this cannot tell beliefs from "
        "predictions there; BG4 and BG18 can. A window of tokens alone reaches an R2 of .97."
    ),
    would_change=(
        "Networks at the floor of the loss from whose last stream beliefs cannot be read to .985, or a "
        "window of tokens that leaves them less than a tenth to explain."
    ),
    revision=2,
)
