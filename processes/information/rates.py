"""Entropies of a process, exact where its mixed states are finite and bounded on both sides where they are
not. Nats.
"""

import math
import sys
from itertools import islice, takewhile

import numpy as np
from jaxtyping import Float64

from ..alignment import floor_orders
from ..entropy import entropy
from ..filter import predict
from ..process import Process, ProcessError
from ..structure.belief_distribution import belief_distributions
from ..structure.components import ergodic_components
from ..structure.endless import endless_word
from ..structure.machine import finite_machine
from ..values.checks import checked
from ..values.notes import noted
from .bounds import Bounded, bounded_excess, bounded_rate
from .surplus import surplus

Rate = Bounded
"""An entropy rate with rigorous bounds, equal to it where it is known exactly. Nats per symbol."""


@checked
def h(process: Process, order: int, *, most: int = sys.maxsize) -> Float64[np.ndarray, "L"]:
    """h(L) = H(X_L | X_1..X_{L-1}) for L = 1..order, so that h(1) = H(X_1). Returns (order,), nats.

    Fewer, where beliefs are infinitely many and the probabilities of next symbols after all those of one
    length are over `most`.

    h(L) = sum_m P(mixed state m after L-1 symbols) H(next symbol | m): a power of the mixed-state chain where
    that is finite, a sum over the merged beliefs of each length otherwise. Raises `ProcessError` if `order` <
    1, or if there are too many beliefs.

    >>> import processes
    >>> processes.h(processes.named("golden_mean"), 4).round(4)  # one symbol tells the state
    array([0.6365, 0.4621, 0.4621, 0.4621])
    """
    if order < 1:
        raise ProcessError(f"h(L) is defined for L >= 1, not for order {order}")
    ms = finite_machine(process)
    if ms is None:
        levels = islice(belief_distributions(process), order)
        affordable = takewhile(lambda level: len(level) * process.vocab <= most, levels)
        return np.array([level.mean(entropy(predict(process, level.belief))) for level in affordable])
    at = np.zeros(len(ms))  # probability of each mixed state
    at[0] = 1.0
    out = np.empty(order)
    for L in range(order):
        out[L] = at @ ms.surprise
        at = at @ ms.chain
    return out


@checked
def block_entropy(process: Process, order: int) -> Float64[np.ndarray, "L"]:
    """H(X_1..X_L) = h(1) + ... + h(L) for L = 1..order; returns (order,), nats."""
    return h(process, order).cumsum()


@checked
def floor_by_position(process: Process, n_ctx: int) -> Float64[np.ndarray, "T"]:
    """Least possible next-token loss at positions 0..n_ctx-1: h(t+2) at position t. Returns (n_ctx,), nats.

    Raises `ProcessError` if `n_ctx` < 1.

    >>> import processes
    >>> processes.floor_by_position(processes.named("rrxor"), 4).round(4)  # nats
    array([0.6931, 0.6365, 0.6285, 0.5987])
    """
    if n_ctx < 1:
        raise ProcessError(f"a context of {n_ctx} tokens has no positions; n_ctx is at least 1")
    orders = floor_orders(n_ctx)
    return h(process, orders[-1])[orders[0] - 1 :]


@checked
def entropy_rate(process: Process, *, max_nodes: int = 300_000) -> Bounded:
    """lim H(L)/L: sum_m pi(m) H(next | m) over recurrent mixed states, or a rigorous two-sided bound where
    these are infinite.

    A process of several ergodic components has the mean of their rates; each component is bounded by
    `bounds.bounded_rate` (which says what is known of generalised HMMs) on at most `max_nodes` beliefs. The
    start need not be stationary.

    >>> import processes
    >>> even = processes.named("even")
    >>> round(float(processes.entropy_rate(even)), 4)  # 2/3 log 2
    0.4621
    >>> rate = processes.entropy_rate(processes.named("mess3"))  # beliefs are infinitely many
    >>> rate.lower < rate.value < rate.upper < rate.lower + 1e-5
    True
    """
    ms = finite_machine(process)
    if ms is not None:
        value = float(ms.limit[0] @ ms.surprise)
        return Bounded(value, value, value)
    parts = ergodic_components(process)
    if len(parts) == 1:
        (_, only), *_ = parts
        return bounded_rate(process if process.is_stationary else only, max_nodes)
    rates = [(mass, entropy_rate(part, max_nodes=max_nodes // len(parts))) for mass, part in parts]
    return Bounded(
        *(sum(mass * getattr(rate, side) for mass, rate in rates) for side in ("value", "lower", "upper"))
    )


@noted(256)
def _paid(process: Process) -> tuple[float, float] | None:
    """E and T, remembered: a card asks for them four times, and for large machines they take a second."""
    ms = finite_machine(process)
    return None if ms is None or not process.is_stationary else surplus(ms)


@checked
def excess_entropy(process: Process) -> float | None:
    """E = sum_L (h(L) - h) = I(past; future), nats; None where mixed states are infinite or the start is not
    stationary.

    Summed exactly over the time until the observer is synchronised (see `surplus`).
    `excess_entropy_bounds` says what is known otherwise.

    >>> import processes
    >>> round(processes.excess_entropy(processes.named("even")), 4)  # nats
    0.6365
    >>> processes.excess_entropy(processes.named("mess3")) is None
    True
    """
    paid = _paid(process)
    return None if paid is None else paid[0]


@checked
def excess_entropy_bounds(process: Process, *, max_nodes: int = 300_000) -> Bounded | None:
    """E with rigorous bounds, also where mixed states are infinite (see `bounds.bounded_excess`); None if the
    start is not stationary.
    """
    exact = excess_entropy(process)
    if exact is not None:
        return Bounded(exact, exact, exact)
    return bounded_excess(process, max_nodes) if process.is_stationary else None


@checked
def transient_information(process: Process) -> float | None:
    """T = sum_{L>=0} (E + h L - H(L)) = sum_L L (h(L) - h), nats x symbols: how much uncertainty
    synchronising costs in all.

    Exact as E is. None where mixed states are infinite or the start is not stationary. (Crutchfield & Feldman
    2003.)
    """
    paid = _paid(process)
    return None if paid is None else paid[1]


@checked
def statistical_complexity(process: Process) -> float | None:
    """C_mu = entropy of the causal states, nats; None where these are infinitely many, as `endless_word` can
    prove, or too many to find.

    >>> import processes
    >>> round(processes.statistical_complexity(processes.named("even")), 4)
    0.6365
    """
    ms = finite_machine(process)
    return None if ms is None else float(entropy(ms.causal_distribution))


@checked
def crypticity(process: Process) -> float | None:
    """chi = C_mu - E = H(causal state | whole future), nats: state information that the future never shows;
    None where E or C_mu is.

    (Mahoney, Ellison & Crutchfield 2009.)
    """
    E, C = excess_entropy(process), statistical_complexity(process)
    return None if E is None or C is None else max(0.0, C - E)


@checked
def markov_order(process: Process) -> float | None:
    """Smallest R such that R symbols fix the distribution of the future, infinity if none; None where the
    start is not stationary, and where neither finitely many mixed states nor a proof of infinitely many (see
    `endless_word`) was found.

    >>> import processes
    >>> [processes.markov_order(processes.named(name)) for name in ("coin", "golden_mean", "even")]
    [0.0, 1.0, inf]
    """
    if not process.is_stationary:
        return None
    ms = finite_machine(process)
    if ms is not None:
        return ms.markov_order()
    return None if endless_word(process) is None else math.inf
