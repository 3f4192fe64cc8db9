"""BG16: random HMMs have fractal sets of mixed states. No network is asked: this is about what networks would
have to represent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

import processes
from processes.ensembles.hmms import certainly_infinite, dense, resetting, sparse

from ..claim import Claim, Criterion

BATCHES, EACH = 8, 25
"""Independent batches take the place of trained networks: intervals are over them. HMMs in each."""
CHAINS, STEPS = 16, 100
"""Length of the runs that Lyapunov exponents are taken from: standard errors of the dimension near .01."""


@dataclass(frozen=True, eq=False)
class Census:
    """What the mixed states of random HMMs of one shape are like."""

    infinite: Bool[np.ndarray, "B N"]  # shown to be infinitely many
    finite: Bool[np.ndarray, "B N"]  # enumerated to the end; neither means unresolved
    share: Float[np.ndarray, "B N"]  # Kaplan-Yorke dimension over n_states - 1, the dimension of the simplex
    error: Float[np.ndarray, "B N"]  # standard error of the share
    sparse_infinite: Bool[np.ndarray, "B N"]  # the same two of as many HMMs with forbidden transitions
    sparse_finite: Bool[np.ndarray, "B N"]
    finite_where_known: Bool[np.ndarray, "B N"]
    """The same enumeration of as many HMMs with few mixed states by construction."""
    vocab: int
    n_states: int

    def thin(self) -> Float[np.ndarray, "B"]:
        """Fraction whose set of mixed states is thinner than the simplex, by two standard errors."""
        return (self.infinite & (self.share + 2 * self.error < 1)).mean(1)


def census(process: processes.Process) -> Census:
    """The mixed states of `BATCHES` x `EACH` random HMMs with the alphabet and the number of states of
    `process`.
    """
    return _census(process.vocab, process.n_states)


@lru_cache(maxsize=4)
def _census(vocab: int, n_states: int) -> Census:
    rng = np.random.default_rng([vocab, n_states])
    drawn = [dense(vocab, n_states, rng) for _ in range(BATCHES * EACH)]
    infinite, finite = _count(drawn)
    share, error = (
        np.array([_dimension(process, seed) for seed, process in enumerate(drawn)])
        .reshape(BATCHES, EACH, 2)
        .transpose(2, 0, 1)
    )
    others = _count([sparse(vocab, n_states, rng) for _ in drawn])
    known = _count([resetting(vocab, n_states, rng) for _ in drawn])[1]
    return Census(infinite, finite, share, error, *others, known, vocab, n_states)


def _count(drawn: Sequence[processes.Process]) -> tuple[np.ndarray, np.ndarray]:
    """Which have infinitely many mixed states for certain, and which finitely many, by batch."""
    finite = np.array([processes.mixed_states(process) is not None for process in drawn])
    infinite = ~finite & [certainly_infinite(process) for process in drawn]
    return infinite.reshape(BATCHES, EACH), finite.reshape(BATCHES, EACH)


def _dimension(process: processes.Process, seed: int) -> tuple[float, float]:
    """Kaplan-Yorke dimension and its standard error, both over the dimension of the simplex."""
    found = processes.lyapunov(process, chains=CHAINS, steps=STEPS, seed=seed)
    return found.dimension / (process.n_states - 1), found.dimension_error / (process.n_states - 1)


def _infinite(process: processes.Process) -> Float[np.ndarray, "B"]:
    return census(process).infinite.mean(1)


def _thin(process: processes.Process) -> Float[np.ndarray, "B"]:
    return census(process).thin()


def _share(process: processes.Process) -> Float[np.ndarray, "B"]:
    return census(process).share.mean(1)


def _not_shown_finite(process: processes.Process) -> Float[np.ndarray, "B"]:
    return 1 - census(process).finite_where_known.mean(1)


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "ensemble": f"rows Dirichlet(1), {process.n_states} states, {process.vocab} symbols",
        "fraction with infinitely many mixed states": 1.0,
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if process.vocab < 2 or process.n_states < 2:
        return (
            "it lends its shape to the random HMMs, and with one symbol or one state there is one mixed state"
        )
    return None


BG16: Claim[processes.Process, Census] = Claim(
    id="BG16",
    statement="Random HMMs generically have fractal sets of mixed states.",
    source="A. Shai, public comments; generic and fractal as operationalised here",
    # They lend the ensembles their shapes: 3 symbols, 3 states; 2 symbols, 5 states.
    tested_on=("mess3", "rrxor"),
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        # A generic property holds but for exceptions of measure zero; .95 leaves room for draws that the
        # proof cannot resolve in float64.
        Criterion("fraction with infinitely many mixed states", _infinite, above=0.95),
        Criterion("fraction of dimension below that of the simplex", _thin, above=0.5),
        Criterion("mean dimension over that of the simplex", _share, above=0.0, below=1.0),
    ),
    controls=(
        Criterion("HMMs reset by every symbol: fraction not shown finite", _not_shown_finite, below=0.05),
    ),
    shown=census,
    drawn_from=Census,
    limits=(
        "Generic is meant for one ensemble: every transition possible, rows uniform on their simplex. There "
        "infinitely many mixed states are a theorem but for singular draws, and the count checks the code as "
        "much as the statement. Of HMMs with forbidden transitions, counted beside, a part stays "
        "unresolved: no set closes, and no short word proves that none will. The Kaplan-Yorke dimension "
        "bounds the information dimension from above where images of the maps overlap, and equals it only "
        "under conditions that are not checked. Batches of HMMs, not trained networks, are the unit of "
        "replication."
    ),
)
