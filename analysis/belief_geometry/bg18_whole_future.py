"""One position's activations carry more of the future than the next token."""

from collections.abc import Callable

import numpy as np

from ..claim import Claim, Criterion
from ..instruments.baselines import FUTURES, baseline
from ..instruments.contexts import contexts
from ..instruments.study import CONCATENATED, Study
from ..recipes import one_run
from .bg01_affine_image import SHAI
from .bg04_beyond_next_token import DETERMINED_REASON, determined


def _refusal(process, n_ctx):
    if determined(process):
        return DETERMINED_REASON
    if all(baseline(contexts(process, n_ctx), "next_token", name)[0].r2 > 1 - 1e-6 for name in FUTURES):
        return "its next-token law already gives the law of the next words"
    return None


def _beyond(of: Callable[[Study, str], float], labels: str):
    return lambda s: s.r2(CONCATENATED, labels=labels) - of(s, labels)


BG18 = Claim(
    id="BG18",
    statement=(
        "States carry more than the next token: a linear probe reads the law of the next 2 to 4 better than "
        "next-token laws tell it."
    ),
    source=SHAI,
    tested_on=("rrxor", "nemo", "random_insertion"),
    recipes=one_run,
    prediction=lambda process, n_ctx: {
        f"R2 of the {name} law from the next-token law": float(
            baseline(contexts(process, n_ctx), "next_token", name)[0].r2
        )
        for name in FUTURES
    },
    refusal=_refusal,
    criteria=tuple(
        Criterion(
            f"R2 of the next {n} tokens, network minus next-token law",
            _beyond(lambda s, labels: s.baseline("next_token", labels).r2, name),
            above=0.0,
        )
        for name, n in FUTURES.items()
    ),
    controls=tuple(
        control
        for name, n in FUTURES.items()
        for control in (
            Criterion(
                f"next {n}: above every untrained network",
                _beyond(lambda s, labels: s.r2(CONCATENATED, labels=labels, trained=False).max(), name),
                above=0.0,
                every_seed=True,
            ),
            Criterion(
                f"next {n}: above the token window",
                _beyond(lambda s, labels: s.baseline("token_window", labels).r2, name),
                above=0.0,
            ),
            Criterion(
                f"next {n}: above Markov-3 beliefs",
                _beyond(lambda s, labels: s.baseline("markov_3", labels).r2, name),
                above=0.0,
            ),
        )
    ),
    shown=lambda s: {
        "n": np.array(list(FUTURES.values())),
        "trained": np.array([s.r2(CONCATENATED, labels=name) for name in FUTURES]),
        "untrained": np.array([s.r2(CONCATENATED, labels=name, trained=False) for name in FUTURES]),
        **{
            b: np.array([s.baseline(b, name).r2 for name in FUTURES])
            for b in ("next_token", "token_window", "markov_3")
        },
    },
    limits="The probe reads the residual stream of all layers at one position. Laws of longer words are "
    "linear "
    "in the belief, so this is the claim "
    "about beliefs again, weighted by what matters for the next few tokens; a network may carry what four "
    "tokens need and no more.",
)
