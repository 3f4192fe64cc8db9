"""BG16: random HMMs have fractal sets of mixed states. No network is asked: this is about what networks would
have to represent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

import processes
from processes.ensembles.hmms import certainly_infinite, resetting, sparse

from ..claim import Claim, Criterion

BATCHES, EACH = 8, 25
"""Independent batches take the place of trained networks: intervals are over them. HMMs in each."""
CHAINS, STEPS = 16, 100
"""Length of the runs that Lyapunov exponents are taken from: standard errors of the dimension near .01."""
FORBIDDEN = (0.0, 0.25, 0.5, 0.75)
"""Probabilities that a transition is impossible, an ensemble for each."""
QUARTER, HALF = 1, 2
"""Which of them the claim is about; with none forbidden it is a theorem, and three quarters are shown."""


@dataclass(frozen=True, eq=False)
class Census:
    """What the mixed states of random HMMs of one shape are like, in ensembles of more and more impossible
    transitions.
    """

    infinite: Bool[np.ndarray, "Q B N"]  # shown to be infinitely many
    finite: Bool[np.ndarray, "Q B N"]  # enumerated to the end; neither means unresolved
    share: Float[np.ndarray, "Q B N"]
    """Kaplan-Yorke dimension over n_states - 1, the dimension of the simplex; 0 where not shown infinite."""
    error: Float[np.ndarray, "Q B N"]  # standard error of the share
    zeros: Int[np.ndarray, "Q B N"]  # impossible transitions
    finite_where_known: Bool[np.ndarray, "B N"]
    """The same enumeration of as many HMMs with few mixed states by construction."""
    vocab: int
    n_states: int

    def infinitely_many(self, which: int) -> Float[np.ndarray, "B"]:
        """Fraction with infinitely many mixed states; the unresolved do not count."""
        return self.infinite[which].mean(1)

    def unresolved(self) -> Float[np.ndarray, "B"]:
        """Fraction neither shown infinite nor finite, in the ensemble where that is most."""
        return np.asarray((1 - (self.infinite | self.finite).mean(2)).max(0))

    def thin(self, which: int) -> Float[np.ndarray, "B"]:
        """Fraction whose mixed states are infinitely many and thinner than the simplex, by two standard
        errors.
        """
        return (self.infinite[which] & (self.share[which] + 2 * self.error[which] < 1)).mean(1)

    def dimension(self, which: int) -> Float[np.ndarray, "B"]:
        """Mean share of the infinite ones."""
        share = np.where(self.infinite[which], self.share[which], np.nan)
        return np.asarray(np.nanmean(share, axis=1))


def census(process: processes.Process) -> Census:
    """The mixed states of `BATCHES` x `EACH` random HMMs in every ensemble, with the alphabet and the number
    of states of `process`.
    """
    return _census(process.vocab, process.n_states)


@lru_cache(maxsize=4)
def _census(vocab: int, n_states: int) -> Census:
    rng = np.random.default_rng([vocab, n_states])
    number = BATCHES * EACH
    drawn = [[sparse(vocab, n_states, rng, forbidden=q) for _ in range(number)] for q in FORBIDDEN]
    counted = [_count(ensemble) for ensemble in drawn]
    infinite, finite = (np.array(kind) for kind in zip(*counted, strict=True))
    dimensions = [
        [
            _dimension(process, seed) if endless else (0.0, 0.0)
            for seed, (process, endless) in enumerate(zip(ensemble, found.ravel(), strict=True))
        ]
        for ensemble, found in zip(drawn, infinite, strict=True)
    ]
    share, error = np.moveaxis(np.array(dimensions), -1, 0).reshape(2, *infinite.shape)
    zeros = np.array([[(process.T == 0).sum() for process in ensemble] for ensemble in drawn])
    known = _count([resetting(vocab, n_states, rng) for _ in range(number)])[1]
    return Census(infinite, finite, share, error, zeros.reshape(infinite.shape), known, vocab, n_states)


def _count(drawn: Sequence[processes.Process]) -> tuple[np.ndarray, np.ndarray]:
    """Which have infinitely many mixed states for certain, and which finitely many, by batch."""
    infinite = np.array([certainly_infinite(process) for process in drawn])
    finite = np.array(
        [
            not endless and processes.mixed_states(process) is not None
            for process, endless in zip(drawn, infinite, strict=True)
        ]
    )
    return infinite.reshape(BATCHES, EACH), finite.reshape(BATCHES, EACH)


def _dimension(process: processes.Process, seed: int) -> tuple[float, float]:
    """Kaplan-Yorke dimension and its standard error, both over the dimension of the simplex."""
    found = processes.lyapunov(process, chains=CHAINS, steps=STEPS, seed=seed)
    return found.dimension / (process.n_states - 1), found.dimension_error / (process.n_states - 1)


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "ensembles": (
            f"rows Dirichlet(1) on what is possible, {process.n_states} states, {process.vocab} symbols"
        ),
        "fraction with infinitely many mixed states, all transitions possible": 1.0,
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if process.vocab < 2 or process.n_states < 2:
        return (
            "it lends its shape to the random HMMs, and with one symbol or one state there is one mixed state"
        )
    return None


def _asked(
    measure: Callable[[Census, int], Float[np.ndarray, "B"]], which: int
) -> Callable[[processes.Process], Float[np.ndarray, "B"]]:
    return lambda process: measure(census(process), which)


def _criteria() -> tuple[Criterion[processes.Process], ...]:
    asked = []
    for which in (QUARTER, HALF):
        told = f"{FORBIDDEN[which]:.0%} of transitions impossible: "
        asked += [
            Criterion(
                f"{told}fraction with infinitely many mixed states",
                _asked(Census.infinitely_many, which),
                above=0.5,
            ),
            Criterion(
                f"{told}fraction of those, and thinner than the simplex",
                _asked(Census.thin, which),
                above=0.5,
            ),
            Criterion(
                f"{told}mean dimension over that of the simplex",
                _asked(Census.dimension, which),
                above=0.0,
                below=1.0,
            ),
        ]
    return tuple(asked)


BG16: Claim[processes.Process, Census] = Claim(
    id="BG16",
    statement=(
        "Random HMMs generically have fractal sets of mixed states, also where up to half of the transitions "
        "are impossible."
    ),
    source="A. Shai, public comments; generic and fractal as operationalised here",
    # They lend the ensembles their shapes: 3 symbols, 3 states; 2 symbols, 5 states.
    tested_on=("mess3", "rrxor"),
    prediction=_prediction,
    refusal=_refusal,
    criteria=_criteria(),
    controls=(
        # A theorem but for draws of measure zero; .95 leaves room for what float64 cannot resolve.
        Criterion(
            "all transitions possible: fraction with infinitely many mixed states",
            lambda p: census(p).infinitely_many(0),
            above=0.95,
            means="a theorem comes out wrong, so the count of mixed states is",
        ),
        Criterion(
            "HMMs reset by every symbol: fraction not shown finite",
            lambda p: 1 - census(p).finite_where_known.mean(1),
            below=0.05,
            means="finite sets are not recognised, so the count of mixed states is wrong",
        ),
        Criterion(
            "fraction neither shown infinite nor finite",
            lambda p: census(p).unresolved(),
            below=0.1,
            means="too many are left open to tell a fraction",
        ),
    ),
    shown=census,
    drawn_from=Census,
    would_change=(
        "An ensemble of HMMs that predict as much of whose draws most have finitely many mixed states."
    ),
    revision=2,
    limits=(
        "Generic is meant for ensembles: rows uniform on their simplex, each transition impossible with "
        "the same probability. Where all are possible, infinitely many mixed states are a theorem but "
        "for singular draws, and the count checks the code. With three quarters impossible, shown "
        "beside, many sets are finite. The Kaplan-Yorke dimension bounds the information dimension from "
        "above where images of the maps overlap, and equals it only under conditions that are not "
        "checked. Batches of HMMs, not trained networks, are the unit of replication."
    ),
)
