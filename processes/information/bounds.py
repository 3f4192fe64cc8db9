"""Rigorous two-sided bounds on the entropy rate and the excess entropy where mixed states are infinite.
Nats."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from ..entropy import entropy
from ..filter import predict
from ..process import Process, ProcessError
from ..structure.belief_distribution import BeliefDistribution, belief_distributions
from ..structure.realisation import minimal_dimension
from ..values.checks import checked, number
from ..values.notes import noted
from ..values.record import Record
from .forgetting import forgotten_rate_gap

ROUNDING = 1e-13
"""Bounds closer than this are closed: further symbols would only add rounding."""

MOST_NUMBERS = 20_000_000
"""Probabilities of next symbols that one length may take, whatever the number of beliefs: with hundreds of
symbols each of these has many.
"""


class Bounded(float):
    """A number that provably lies in [lower, upper] (up to float64 rounding): the best guess in between, as
    which it computes.

    >>> from processes import Bounded
    >>> rate = Bounded(0.4, 0.39, 0.42)
    >>> 1 - rate, rate < 0.5, f"{rate:.2f}", f"{rate.error:.2f}"
    (0.6, True, '0.40', '0.02')
    """

    __slots__ = ("lower", "upper")
    lower: float
    upper: float

    def __new__(cls, value: float, lower: float, upper: float) -> "Bounded":
        """Raises `ProcessError` for what is no number; bounds may be infinite."""
        given = {"value": value, "lower": lower, "upper": upper}
        found = {name: number(v, f"{name} of Bounded", finite=False) for name, v in given.items()}
        self = super().__new__(cls, found["value"])
        object.__setattr__(self, "lower", found["lower"])
        object.__setattr__(self, "upper", found["upper"])
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} of a number cannot be set")

    @property
    def value(self) -> float:
        """The best guess, without its bounds."""
        return float(self)

    @property
    def error(self) -> float:
        """How far the true number can be from `value`."""
        return max(self.upper - self.value, self.value - self.lower)

    def __repr__(self) -> str:
        return f"Bounded(value={self.value!r}, lower={self.lower!r}, upper={self.upper!r})"

    __str__ = __repr__

    def __reduce__(self) -> tuple[type["Bounded"], tuple[float, float, float]]:
        return Bounded, (self.value, self.lower, self.upper)


@dataclass(frozen=True, eq=False)
class Sandwich(Record):
    """What belief distributions say of a stationary HMM for every length up to `len(h)`."""

    h: Float64[np.ndarray, "L"]  # h(L), from above
    h_given_state: Float64[np.ndarray, "L"]  # H(X_L | X_1..X_{L-1}, S_0), from below
    remembered: Float64[
        np.ndarray, "L"
    ]  # I(S_0; S_{L-1} | X_1..X_{L-1}): what the first hidden state still tells of the present one

    def rate(self) -> Bounded:
        """h_given_state(L) <= entropy rate <= h(L), at the largest L (Cover & Thomas 2006, theorem 4.5.1);
        the value is the middle.
        """
        upper = float(self.h.min())
        lower = min(float(self.h_given_state.max()), upper)
        return Bounded((lower + upper) / 2, lower, upper)

    def excess(self, rate: Bounded) -> Bounded:
        """H(L) - L h <= E <= H(L) - L h + I(S_0; S_L | X_1..X_L), the tightest over L; the value is the
        middle.

        E = I(past; X_1..X_L) + I(past; later | X_1..X_L). The first is H(L) - L h. The second is at most the
        information of S_0 about S_L given X_1..X_L, because the past acts through S_0 and the later symbols
        through S_L.
        """
        L = np.arange(len(self.h))
        block = np.concatenate([[0.0], self.h.cumsum()[:-1]])
        lower, upper = (block - L * rate.upper).max(), (block - L * rate.lower + self.remembered).min()
        lower, upper = max(0.0, float(min(lower, upper))), max(0.0, float(lower), float(upper))
        return Bounded((lower + upper) / 2, lower, upper)


@noted(64)
def sandwich(process: Process, max_nodes: int) -> Sandwich:
    """Both sides of the bound for L = 1, 2, ... until they meet, or until `max_nodes` beliefs in all or
    `MOST_NUMBERS` are too few.

    Raises `ProcessError` for a generalised HMM or a start that is not stationary.
    """
    return Sandwich(*np.array(list(_lengths(process, max_nodes))).T)


def rate_exceeds(process: Process, target: float, max_nodes: int) -> bool:
    """Whether `bounded_rate(process, max_nodes).value > target` for an HMM: bounds only come closer with
    length, so that most often a short tree has the answer of the whole.

    Raises `ProcessError` for a generalised HMM or a start that is not stationary.
    """
    upper, lower = np.inf, -np.inf
    for h, h_given_state, _ in _lengths(process, max_nodes):
        upper, lower = min(upper, h), max(lower, h_given_state)
        if lower > target or upper <= target:
            break
    return bool((min(lower, upper) + upper) / 2 > target)


def _lengths(process: Process, max_nodes: int) -> Iterator[tuple[float, float, float]]:
    """The columns of `Sandwich` at length 1, 2, ..."""
    _must_be_stationary(process)
    visited = 0
    both = zip(belief_distributions(process), belief_distributions(process, state_known=True), strict=False)
    for length, (blind, told) in enumerate(both, 1):
        h, h_given_state = _next_entropy(blind), _next_entropy(told)
        remembered = max(0.0, blind.mean(entropy(blind.belief)) - told.mean(entropy(told.belief)))
        yield h, h_given_state, remembered
        visited += len(blind) + len(told)
        next_level = process.vocab * (len(blind) + len(told))
        if (
            (h - h_given_state < ROUNDING and remembered < ROUNDING)
            or visited + next_level > max_nodes
            or next_level * process.vocab > MOST_NUMBERS
            or length >= 1000
        ):
            return


@checked
@noted(64)
def bounded_rate(process: Process, max_nodes: int) -> Bounded:
    """Two-sided bound on the entropy rate of a stationary process from at most `max_nodes` beliefs, whether
    or not these are finite.

    HMM: see `Sandwich.rate`. Generalised HMM, where no hidden state can be told: h(L) above; below, the
    larger of h(L) minus what the past before X_1 can still change (`forgetting.forgotten_rate_gap`) and (H(L)
    - log d)/L, because E <= log d for a process of minimal dimension d (`storable_information`). The value is
    then an Aitken extrapolation of h(L) and an estimate only. Raises `ProcessError` for a start that is not
    stationary.
    """
    _must_be_stationary(process)
    if process.kind == "hmm":
        return sandwich(process, max_nodes).rate()
    h = upper_bounds(process, max_nodes // 2)
    L = np.arange(1, len(h) + 1)
    gap = forgotten_rate_gap(process, len(h), max_nodes // 2)
    lower = max(0.0, (h[: len(gap)] - gap).max(), ((h.cumsum() - storable_information(process)) / L).max())
    upper = float(h.min())
    lower = min(float(lower), upper)
    return Bounded(float(np.clip(_extrapolated(h), lower, upper)), lower, upper)


@checked
def bounded_excess(process: Process, max_nodes: int) -> Bounded:
    """Two-sided bound on the excess entropy E of a stationary process from at most `max_nodes` beliefs.

    HMM: see `Sandwich.excess`. Generalised HMM: H(L) - L h <= E <= log(minimal dimension); the value is H(L)
    - L h at the guessed h, clipped to the bounds: an estimate only. Raises `ProcessError` for a start that is
    not stationary.
    """
    _must_be_stationary(process)
    if process.kind == "hmm":
        both = sandwich(process, max_nodes)
        return both.excess(both.rate())
    rate, block = bounded_rate(process, max_nodes), upper_bounds(process, max_nodes // 2).cumsum()
    L, upper = np.arange(1, len(block) + 1), storable_information(process)
    lower = min(max(0.0, float((block - L * rate.upper).max())), upper)
    return Bounded(float(np.clip((block - L * rate.value).max(), lower, upper)), lower, upper)


def storable_information(process: Process) -> float:
    """log d, an upper bound on I(past; future) for a process of minimal dimension d, nats.

    In the compact convex set K of beliefs take the simplex s_1..s_d of largest volume: every s in K has
    barycentric coordinates |l_i| <= 1, so p(future | s) <= sum_i p(future | s_i) =: d q(future), and E <=
    mean D(p(. | s) || q) <= log d. (The information storability of Matsumoto & Kimura 2018; for HMMs log of
    the number of states.)
    """
    return float(np.log(minimal_dimension(process)))


def upper_bounds(process: Process, max_nodes: int) -> Float64[np.ndarray, "L"]:
    """h(1), h(2), ... from at most `max_nodes` beliefs, until it stops falling."""
    h, visited = [], 0
    for level in belief_distributions(process):
        h.append(_next_entropy(level))
        visited += len(level)
        still = len(h) > 8 and max(h[-8:]) - min(h[-8:]) < ROUNDING
        next_level = process.vocab * len(level)
        if (
            still
            or visited + next_level > max_nodes
            or next_level * process.vocab > MOST_NUMBERS
            or len(h) >= 1000
        ):
            return np.array(h)
    raise AssertionError("belief distributions never end")


def _next_entropy(level: BeliefDistribution) -> float:
    return level.mean(entropy(predict(level.process, level.belief)))


def _extrapolated(h: np.ndarray) -> float:
    """Aitken's limit of the last three values where they fall geometrically, else the last."""
    if len(h) < 3 or h[-3] - h[-2] < ROUNDING:
        return float(h[-1])
    ratio = (h[-2] - h[-1]) / (h[-3] - h[-2])
    return float(h[-1] - (h[-2] - h[-1]) * ratio / (1 - ratio)) if 0 <= ratio < 0.9 else float(h[-1])


def _must_be_stationary(process: Process) -> None:
    if not process.is_stationary:
        raise ProcessError(
            f"{process.name} does not start stationary, so h(L) need not fall towards its rate; use its "
            "stationary start"
        )
