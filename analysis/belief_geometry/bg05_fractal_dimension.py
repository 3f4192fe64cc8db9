"""Probed beliefs have the dimension of the fractal that the true beliefs lie on."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

import processes
import train

from ..claim import Claim, Criterion, Setting, single
from ..instruments.contexts import contexts
from ..instruments.study import check
from ..recipes import SMALL, one_run, standard
from .bg01_affine_image import SHAI
from .scaling import Scaling, deepest, refusal, scales, scaling


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """Contexts of ten tokens whatever the size: fewer make too few points."""
    if setting.size == "small":
        return {"transformer": standard(process, setting, model=replace(SMALL, n_ctx=10))}
    return one_run(process, setting)


def _prediction(process, n_ctx):
    t = contexts(process, n_ctx)
    here, fit = deepest(t), scales(t)
    found = processes.information_dimension(t.belief[here], t.weight[here], fit=fit)
    return {
        "information dimension of the true beliefs": found.value,
        "finest box over extent": fit[0],
        "Kaplan-Yorke dimension": processes.lyapunov(process, chains=16, steps=500, seed=0).dimension,
    }


def _refusal(process, n_ctx):
    check(process, n_ctx)
    return refusal(contexts(process, n_ctx))


def _shown(s: Scaling) -> dict[str, np.ndarray]:
    values = {"true": np.array(s.true), "probed": s.probed, "untrained": s.untrained, "shuffled": s.shuffled}
    return (
        {"box": s.box, "fitted": s.fitted}
        | {f"curve_{k}": v for k, v in s.curves.items()}
        | {f"dimension_{k}": v for k, v in values.items()}
    )


BG5 = Claim(
    id="BG5",
    statement="The cloud of probed beliefs has the fractal dimension of the true beliefs.",
    source=f"{SHAI}; dimension of mixed-state sets: Jurgens & Crutchfield 2021",
    tested_on=("mess3", "mess3:piotrowski2025"),
    recipes=_recipes,
    evidence=lambda runs: scaling(single(runs)),
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "dimension of probed minus true beliefs", lambda s: s.probed - s.true, above=-0.1, below=0.1
        ),
    ),
    controls=(
        # Either side: what no network has learned may fill more of the plane, or less.
        Criterion("untrained networks are off by", lambda s: np.abs(s.untrained - s.true), above=0.1),
        Criterion("probes of shuffled beliefs are off by", lambda s: np.abs(s.shuffled - s.true), above=0.1),
    ),
    shown=_shown,
    literature={
        "mess3, information dimension of the mixed-state set": (
            ".52 at (.05, .85), 1.35 at (.15, .6): Kaplan-Yorke, computed from the definitions"
        ),
    },
    limits=(
        "The finest box is the residual that an R2 of .985 leaves, so the slope is taken over two octaves "
        "and is no limit; it is the same "
        "for the true beliefs, of which it is .57 and 1.32. Residuals that vary smoothly with the belief "
        "leave the dimension as it is, at R2 = .998 "
        "to .02; independent noise does not: on Mess3 (.05, .85) it raises the estimate by .07 at R2 = .9999 "
        "and by .4 at .998. "
        "A refutation can therefore mean fine-grained noise in the residual stream or the probe as well as a "
        "wrong geometry."
    ),
)
