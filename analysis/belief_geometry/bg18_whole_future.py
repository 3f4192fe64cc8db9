"""BG18: one position's activations carry more of the future than the next token."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float, Int

import processes

from ..claim import Claim, Criterion
from ..controls import DETERMINED, LEFT, beyond_rival, learned
from ..instruments.contexts import contexts
from ..instruments.probing.baselines import FUTURES, baseline
from ..instruments.probing.partial import beyond
from ..instruments.probing.study import CONCATENATED, Study
from ..recipes import one_run
from .features import all_layers
from .next_token import unless_determined
from .wording import SHAI

DRAWN = ("token_window", "next_token", "markov_3")
"""The baselines that the figure shows."""


@dataclass(frozen=True, eq=False)
class Futures:
    """Held-out R2 of the joint distribution of the next n tokens, from all layers and from baselines."""

    n: Int[np.ndarray, "L"]
    trained: Float[np.ndarray, "L seeds"]
    untrained: Float[np.ndarray, "L seeds"]
    baselines: Mapping[str, Float[np.ndarray, "L"]]


def futures(study: Study) -> Futures:
    """R2 of every length in `FUTURES`."""
    return Futures(
        np.array(list(FUTURES.values())),
        np.array([_r2(study, labels) for labels in FUTURES]),
        np.array([_r2(study, labels, trained=False) for labels in FUTURES]),
        {name: np.array([study.baseline(name, labels).r2 for labels in FUTURES]) for name in DRAWN},
    )


def _r2(study: Study, labels: str, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
    return study.r2(CONCATENATED, labels=labels, trained=trained)


def _partial(study: Study, labels: str) -> Float[np.ndarray, "seeds"]:
    return beyond(study, CONCATENATED, "next_token", labels=labels).partial


def _told(study: Study, labels: str) -> bool:
    """Whether the next-token distribution leaves anything of this future to tell."""
    return study.baseline("next_token", labels).r2 <= DETERMINED


def _beyond_untrained(study: Study, labels: str) -> Float[np.ndarray, "seeds"]:
    return _r2(study, labels) - _r2(study, labels, trained=False).max()


def _controls(labels: str, n: int) -> tuple[Criterion[Study], ...]:
    """What else might know the distribution of the next `n` tokens, whose name is `labels`."""
    told = f"next {n}: "
    return (
        Criterion(
            f"{told}R2 above every untrained network",
            partial(_beyond_untrained, labels=labels),
            above=0.0,
            means="the architecture alone, untrained, gives the score",
        ),
        beyond_rival(all_layers, "token_window", labels=labels, told=told),
        beyond_rival(all_layers, "markov_3", labels=labels, told=told),
    )


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        f"R2 of the {labels} distribution from the next-token distribution": r2
        for labels, r2 in _known(process, n_ctx)
    }


def _known(process: processes.Process, n_ctx: int) -> list[tuple[str, float]]:
    """How much of each future the next-token distribution determines, by its name."""
    t = contexts(process, n_ctx)
    return [(labels, float(baseline(t, "next_token", labels).r2)) for labels in FUTURES]


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if (reason := unless_determined(process, n_ctx)) is not None:
        return reason
    if all(r2 > DETERMINED for _, r2 in _known(process, n_ctx)):
        return "its next-token distribution already gives that of the next words"
    return None


BG18: Claim[Study, Futures] = Claim(
    id="BG18",
    statement=(
        "States carry more than the next token: a linear probe reads the distribution of the next 2 to 4 "
        "better than next-token distributions tell it."
    ),
    source=SHAI,
    tested_on=("rrxor", "nemo", "random_insertion", "fanizza"),
    recipes=one_run,
    prediction=_prediction,
    refusal=_refusal,
    criteria=tuple(
        Criterion(
            f"next {n} tokens: partial R2 given the next-token distribution",
            partial(_partial, labels=labels),
            above=LEFT,
            only_if=partial(_told, labels=labels),
        )
        for labels, n in FUTURES.items()
    ),
    controls=(learned(), *(control for labels, n in FUTURES.items() for control in _controls(labels, n))),
    shown=futures,
    drawn_from=Futures,
    would_change=(
        "Networks at the floor that tell less than a tenth of what next-token distributions leave untold of "
        "the next words, or whose share a memory of three tokens has as well."
    ),
    revision=2,
    limits=(
        "The probe reads the residual stream of all layers at one position. Distributions of longer words "
        "are linear in the belief, so this is the claim about beliefs again, weighted by what matters for "
        "the next few tokens; a network may carry what four tokens need and no more."
    ),
)
