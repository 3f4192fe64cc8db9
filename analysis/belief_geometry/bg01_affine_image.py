"""BG1: beliefs are an affine image of the final residual stream."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

import processes

from ..claim import Claim, Criterion
from ..controls import DETERMINED, gain, standard
from ..instruments.baselines import baseline
from ..instruments.by_layer import ByLayer, by_layer
from ..instruments.contexts import contexts
from ..instruments.study import Study
from ..recipes import one_run
from .features import final_layer
from .wording import SHAI


def _fidelity(study: Study) -> Float[np.ndarray, "seeds"]:
    """Held-out R2."""
    return study.r2(study.final_layer)


def _over_token_window(study: Study) -> Float[np.ndarray, "seeds"]:
    """Share of what the token window leaves unexplained that the final layer explains."""
    return gain(_fidelity(study), study.baseline("token_window").r2)


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "R2 of a network that represents beliefs": 1.0,
        "dimension of the affine image": process.n_states - 1,
    }


def _additive(process: processes.Process, n_ctx: int) -> str | None:
    """Refuse where a sum over tokens gives the beliefs exactly: there is nothing to gain over it."""
    if baseline(contexts(process, n_ctx), "token_window")[0].r2 > DETERMINED:
        return "an additive window of tokens determines the belief, so nothing can be gained over it"
    return None


BG1: Claim[Study, ByLayer] = Claim(
    id="BG1",
    statement="Beliefs are an affine image of the final residual stream.",
    source=SHAI,
    tested_on=("mess3",),
    recipes=one_run,
    prediction=_prediction,
    refusal=_additive,
    criteria=(
        Criterion("held-out R2, final layer", _fidelity, above=0.985, every_seed=True),
        Criterion("gain over the token window", _over_token_window, above=0.5),
    ),
    controls=standard(final_layer),
    shown=by_layer,
    drawn_from=ByLayer,
    literature={
        "mess3": "mean squared error .0004 (Shai et al. 2024, final layer); R2 .988 (replication by others)"
    },
    limits=(
        "The next-token law determines the belief of Mess3, so this cannot tell beliefs from predictions; "
        "BG4 and BG18 can. The token window alone reaches an R2 of .97."
    ),
)
