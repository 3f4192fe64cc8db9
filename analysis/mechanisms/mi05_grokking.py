"""MI5: what is held out follows long after what is taught.

A network that is taught a part of an addition table knows that part by heart soon, and the rest long after,
once it adds by waves. The same is asked of networks that are taught some words of a process.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import processes
from processes.constraints import Addition

from ..claim import Claim, Criterion, Published
from ..instruments.contexts import contexts
from ..instruments.probing.study import LEAST_WORTH
from .mi05_grokked import (
    ARMS,
    BY_KEYS,
    BY_OTHERS,
    DELAY,
    LATER,
    LONGEST_WORD,
    Arm,
    Grokked,
    Waves,
    arms,
    grokked,
)

LONG_AFTER = float(np.log(3))
"""log of how many times as many steps what is held out takes."""
LEFT, KNOWN = 0.25, 0.1
"""Share of what is held out, and of what is taught, that may be left to learn at the end."""
EMBEDDED = 0.2
"""Share of the embedding's variance that training brings to key frequencies."""


def _prediction(process: processes.Source, n_ctx: int) -> Mapping[str, Any]:
    if isinstance(process, Addition):
        return {"sums taught": int(process.taught.sum()), "sums held out": int((~process.taught).sum())}
    assert isinstance(process, processes.Process)  # other questions are refused
    return {"contexts that can be held out": len(contexts(process, LONGEST_WORD).length)}


def _refusal(process: processes.Source, n_ctx: int) -> str | None:
    if isinstance(process, Addition):
        if process.p % 2 == 0 or process.p < 7:
            return f"p is {process.p}; key frequencies are told from others of an odd p of 7 or more"
        return None
    if not isinstance(process, processes.Process):
        return "it is a question that is no addition, of which nothing is held out"
    if contexts(process, LONGEST_WORD).tree is None:
        return "it has too many contexts for all that are held out to be asked of"
    worth = contexts(process, LONGEST_WORD).worth
    if worth < LEAST_WORTH:
        return f"its contexts are worth {max(worth, 0.0):.1e} nats per token, less than {LEAST_WORTH}"
    return None


def _adds(measure: Callable[[Grokked, Waves], Any]) -> Callable[[Grokked], Any]:
    """The measure where there are waves; None of a process."""
    return lambda g: None if g.waves is None else measure(g, g.waves)


def _later(arm: Arm) -> Criterion[Grokked]:
    return Criterion(
        LATER.format(arm=arm),
        lambda g: g.later(arm),
        above=0.0,
    )


MI5: Claim[Grokked, Grokked] = Claim(
    id="MI5",
    statement=(
        "What is held out follows long after what is taught, later without decay of weights and where less "
        "is taught; of sums, by waves of few frequencies, which can be seen to come before."
    ),
    source=(
        "grokking: Power et al. 2022, arXiv:2201.02177; progress measures: Nanda et al. 2023, "
        "arXiv:2301.05217; of words of a process, and steps as intervals: this lab's operationalisation"
    ),
    tested_on=("addition(p=23, share=0.75)", "rrxor", "mess3"),
    recipes=arms,
    evidence=grokked,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            DELAY,
            lambda g: g.delay(),
            above=LONG_AFTER,
        ),
        Criterion(
            "share of what is held out that is left to learn at the end",
            lambda g: g.held_out["as it is"][:, -1],
            below=LEFT,
            over="most",
        ),
        _later("without decay"),
        _later("fewer taught"),
        Criterion(
            BY_KEYS,
            _adds(lambda g, waves: g.precedes(waves.restricted)),
            below=0.0,
        ),
        Criterion(
            "share of the embedding's variance at key frequencies minus an untrained one's best",
            _adds(lambda g, waves: waves.embedded[:, -1] - waves.untrained),
            above=EMBEDDED,
        ),
    ),
    controls=(
        Criterion(
            "share of what is taught that is left to learn at the end, in any training",
            lambda g: np.max([g.taught[arm][:, -1] for arm in ARMS], axis=0),
            below=KNOWN,
            over="nearly all",
            means="what was taught was never learned, so that nothing could follow it",
        ),
        Criterion(
            BY_OTHERS,
            _adds(lambda g, waves: g.precedes(waves.others)),
            above=0.0,
            rival="waves of any frequencies",
        ),
    ),
    published=(
        Published(
            "number of key frequencies",
            "5 of 56, p = 113 (Nanda et al. 2023)",
            _adds(lambda g, waves: waves.keys),
            training="p = 113, 3 in 10 sums taught, 40 000 steps: not run",
        ),
    ),
    drawn_from=Grokked,
    literature={"addition mod 97": "held-out sums follow 10^3 times later (Power et al. 2022)"},
    would_change=(
        "Networks that know what is held out as soon as what is taught, or never; or of which waves of key "
        "frequencies know no sum before the network does."
    ),
    limits=(
        "One width, one rate, decay 1 and 0, and one choice of the sums that are taught, the same for all "
        "networks; pairs are held out both ways. Something is learned when half of it is: half of the sums "
        "are said right, or half of what contexts are worth is left. Steps end with the training, so that "
        "what never comes counts as that: too early. Of a process, what is taught are exact distributions "
        "after every beginning of some words, drawn anew for each network, and all other contexts are held "
        "out, by their exact weights; no noise of single tokens is learned by heart. Key frequencies are "
        "those of the final network, in hindsight."
    ),
)
