"""The geometry appears while the loss falls."""

import numpy as np

from ..claim import Claim, Criterion
from ..controls import gain
from ..instruments.statistics import rank_correlation, unit_ranks
from ..instruments.study import check
from ..recipes import one_run
from .bg01_affine_image import SHAI
from .emergence import DEPTH, Emergence, emergence

SHUFFLES = 200
"""Shuffles of time behind the null."""


def _together(e: Emergence) -> np.ndarray:
    """Spearman's rank correlation of the two curves of each network; zero where one of them is constant."""
    return rank_correlation(e.belief, e.divergence)


def _below_time_shuffles(e: Emergence) -> np.ndarray:
    """Minus what the same curves reach at best when the steps of one are shuffled."""
    rng = np.random.default_rng(0)
    belief, divergence = unit_ranks(e.belief), unit_ranks(e.divergence)
    shuffled = np.stack(
        [(belief * divergence[:, rng.permutation(len(e.step))]).sum(-1) for _ in range(SHUFFLES)]
    )
    return _together(e) - shuffled.min(0)


def with_loss_of_others(e: Emergence) -> np.ndarray:
    """Each network's R2 against the losses of the other networks: what two trends have in common that only
    share their direction.
    """
    belief, divergence = unit_ranks(e.belief), unit_ranks(e.divergence)
    return np.mean([(belief * np.roll(divergence, k, axis=0)).sum(-1) for k in range(1, len(belief))], axis=0)


def _beyond_wrong_process(e: Emergence) -> np.ndarray:
    return gain(e.belief[:, -1], e.belief[:, 0].mean()) - gain(e.decoy[:, -1], e.decoy[:, 0].mean())


def _refusal(process, n_ctx):
    check(process, min(n_ctx, DEPTH))
    return None


def _shown(e: Emergence) -> dict[str, np.ndarray]:
    curves = {
        "step": e.step,
        "divergence": e.divergence,
        "belief": e.belief,
        "decoy": e.decoy,
        "shuffled": e.shuffled,
    }
    return curves | {"own": _together(e), "others": with_loss_of_others(e)}


BG6 = Claim(
    id="BG6",
    statement="The belief geometry appears as the loss falls.",
    source=SHAI,
    tested_on=("mess3", "rrxor"),
    recipes=one_run,
    evidence=lambda runs: emergence(*runs.values()),
    prediction=lambda process, n_ctx: {"rank correlation of R2 and KL over kept steps": "near -1"},
    refusal=_refusal,
    criteria=(
        Criterion(
            "rank correlation of held-out R2 and KL over training", _together, below=-0.8, every_seed=True
        ),
    ),
    controls=(
        Criterion(
            "minus the lowest of 200 shuffles of time", _below_time_shuffles, below=0.0, every_seed=True
        ),
        Criterion(
            "R2 moves more than that of shuffled beliefs",
            lambda e: np.ptp(e.belief, axis=1) - np.ptp(e.shuffled, axis=1),
            above=0.0,
            every_seed=True,
        ),
        Criterion(
            "training gains more on the beliefs than on a wrong process's", _beyond_wrong_process, above=0.0
        ),
    ),
    shown=_shown,
    limits=(
        "Any two curves that go one way are perfectly rank-correlated, whatever makes them; the correlation "
        "with the losses of the other networks, "
        "given in the figure, says how much of it that is. What speaks for the geometry are the controls: "
        "other labels do not follow. "
        "Steps are log-spaced from the first update, so the earliest, before the learning rate has risen, "
        "weigh as much as the fall itself. "
        "Contexts are of at most eight tokens, and the score is that of the final layer, which on RRXOR "
        "holds a part of the geometry only."
    ),
)
