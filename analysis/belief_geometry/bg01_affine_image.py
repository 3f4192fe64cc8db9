"""Beliefs are an affine, even a linear, image of the final residual stream."""

import numpy as np

from ..claim import Claim, Criterion
from ..controls import DETERMINED, gain, standard
from ..instruments.baselines import baseline
from ..instruments.contexts import contexts
from ..instruments.study import Study, by_layer
from ..recipes import one_run

SHAI = "Shai et al. 2024 (arXiv:2405.15943)"


def final(study: Study) -> str:
    """The features probed here: the residual stream after the last block."""
    return study.final_layer


def _dimension(process, n_ctx):
    return {
        "R2 of a network that represents beliefs": 1.0,
        "dimension of the affine image": process.n_states - 1,
    }


def _additive(process, n_ctx):
    """Refuse where a sum over tokens gives the beliefs exactly: there is nothing to gain over it."""
    if baseline(contexts(process, n_ctx), "token_window")[0].r2 > DETERMINED:
        return "an additive window of tokens determines the belief, so nothing can be gained over it"
    return None


def _without_offset(study: Study, *, centred: bool = False):
    """R2 of the linear map minus R2 of the affine map."""
    return study.r2(final(study), intercept=False, centred=centred) - study.r2(final(study))


BG1 = Claim(
    id="BG1",
    statement="Beliefs are an affine image of the final residual stream.",
    source=SHAI,
    tested_on=("mess3",),
    recipes=one_run,
    prediction=_dimension,
    refusal=_additive,
    criteria=(
        Criterion("held-out R2, final layer", lambda s: s.r2(final(s)), above=0.985, every_seed=True),
        Criterion(
            "gain over the token window",
            lambda s: gain(s.r2(final(s)), s.baseline("token_window").r2),
            above=0.5,
        ),
    ),
    controls=standard(final),
    shown=by_layer,
    literature={
        "mess3": "mean squared error .0004 (Shai et al. 2024, final layer); R2 .988 (replication by others)"
    },
    limits="The next-token law determines the belief of Mess3, so this cannot tell beliefs from predictions; "
    "BG4 and BG18 can. The token window "
    "alone reaches an R2 of .97.",
)

BG2 = Claim(
    id="BG2",
    statement="The map from the final residual stream to beliefs needs no offset.",
    source="A. Shai, public comments",
    tested_on=("mess3", "rrxor"),
    recipes=one_run,
    prediction=lambda process, n_ctx: {"R2 without offset minus R2 with": 0.0},
    criteria=(Criterion("R2 without offset minus R2 with", _without_offset, above=-0.002),),
    controls=(
        *standard(final),
        # Centred activations have no direction that is constant over contexts, and the mean belief is not
        # zero.
        Criterion(
            "centred activations do need one (R2 lost without)",
            lambda s: -_without_offset(s, centred=True),
            above=0.002,
        ),
    ),
    shown=lambda s: {
        "with": np.array([s.r2(layer) for layer in s.layers]),
        "without": np.array([s.r2(layer, intercept=False) for layer in s.layers]),
        "centred": np.array([s.r2(layer, intercept=False, centred=True) for layer in s.layers]),
    },
    limits=(
        "A network with a constant direction in its residual stream needs no offset whatever it represents; "
        "the claim says that there is one."
    ),
)
