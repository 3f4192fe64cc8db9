"""Entropies of a process, exact where its mixed states are finite and bounded on both sides where they are not. Nats."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from .alignment import floor_orders
from .filter import predict
from .mixed_states import MixedStates, entropy, mixed_states
from .process import Process, ProcessError
from .tree import prefix_tree


@dataclass(frozen=True)
class Rate:
    """An entropy rate with rigorous bounds, equal to it where it is known exactly. Nats per symbol."""

    value: float
    lower: float
    upper: float


@lru_cache(maxsize=256)
def finite_mixed_states(process: Process) -> MixedStates | None:
    """`mixed_states(process)`, remembered: every quantity below starts from it."""
    return mixed_states(process)


def h(process: Process, order: int) -> Float[np.ndarray, "L"]:
    """h(L) = H(X_L | X_1..X_{L-1}) for L = 1..order, so that h(1) = H(X_1). Returns (order,), nats.

    h(L) = sum_m P(mixed state m after L-1 symbols) H(next symbol | m): a power of the mixed-state chain where that is finite,
    a sum over the prefix tree otherwise. Raises `ProcessError` if `order` < 1.
    """
    if order < 1:
        raise ProcessError(f"h(L) is defined for L >= 1, not for order {order}")
    ms = finite_mixed_states(process)
    if ms is None:
        tree = prefix_tree(process, order - 1)
        surprise = entropy(tree.next_token)
        return np.array([tree.probability[tree.level(d)] @ surprise[tree.level(d)] for d in range(order)])
    law = np.zeros(len(ms))
    law[0] = 1.0
    out = np.empty(order)
    for L in range(order):
        out[L] = law @ ms.surprise
        law = law @ ms.chain
    return out


def block_entropy(process: Process, order: int) -> Float[np.ndarray, "L"]:
    """H(X_1..X_L) = h(1) + ... + h(L) for L = 1..order; returns (order,), nats."""
    return h(process, order).cumsum()


def floor_by_position(process: Process, n_ctx: int) -> Float[np.ndarray, "T"]:
    """Least possible next-token loss at positions 0..n_ctx-1: h(t+2) at position t. Returns (n_ctx,), nats."""
    orders = floor_orders(n_ctx)
    return h(process, orders[-1])[orders[0] - 1 :]


def entropy_rate(process: Process, *, max_nodes: int = 300_000) -> Rate:
    """lim h(L): sum_m pi(m) H(next | m) over recurrent mixed states, or the two-sided bound where these are infinite.

    The bound (Cover & Thomas 2006, theorem 4.5.1, for a stationary start) is H(X_L | X_1..X_{L-1}, S_0) <= rate <= h(L), at the
    largest L whose prefix trees stay below `max_nodes`; the value is its midpoint.
    """
    ms = finite_mixed_states(process)
    if ms is not None:
        value = float(ms.limit[0] @ ms.surprise)
        return Rate(value, value, value)
    return bounded_rate(process, max_nodes)


def bounded_rate(process: Process, max_nodes: int) -> Rate:
    """The two-sided bound of `entropy_rate` from prefix trees of at most `max_nodes` nodes, whether mixed states are finite or not."""
    if not process.is_stationary:
        raise ProcessError(f"{process.name} does not start stationary and has infinitely many mixed states: no bound on its rate is known")
    order = _largest_order(process, max_nodes)
    upper = _entropy_after(process, order - 1)
    lower = sum(
        float(process.start[i]) * _entropy_after(replace(process, start=np.eye(process.n_states)[i]), order - 1)
        for i in np.flatnonzero(process.start > 0)
    )
    return Rate((lower + upper) / 2, lower, upper)


def excess_entropy(process: Process) -> float | None:
    """E = sum_L (h(L) - h) = I(past; future), nats; None where mixed states are infinite or the start is not stationary.

    Summed exactly through the fundamental matrix Z = (I - P + P_inf)^-1 of the mixed-state chain: E = [(Z - P_inf) H](start).
    """
    ms = finite_mixed_states(process)
    if ms is None or not process.is_stationary:
        return None
    Z = np.linalg.inv(np.eye(len(ms)) - ms.chain + ms.limit)
    return float(((Z - ms.limit) @ ms.surprise)[0])


def statistical_complexity(process: Process) -> float | None:
    """C_mu = entropy of the causal states, nats; None where there are infinitely many mixed states."""
    ms = finite_mixed_states(process)
    return None if ms is None else float(entropy(ms.causal_law))


def markov_order(process: Process) -> float | None:
    """Smallest R such that R symbols fix the law of the future, infinity if none; None where mixed states are infinite
    (the order is then infinite as well unless beliefs differ without consequence) or the start is not stationary."""
    ms = finite_mixed_states(process)
    return None if ms is None or not process.is_stationary else ms.markov_order()


def _largest_order(process: Process, max_nodes: int) -> int:
    """Largest L such that the trees of depth L-1 from every hidden state together have at most `max_nodes` nodes."""
    support = (process.T > 0).astype(float)
    words, total, order = np.ones(process.n_states), float(process.n_states), 1
    while order < 200:
        words = support.sum(0) @ words  # paths from each state: an upper bound on its words, exact if unifilar
        total += min(words.sum(), process.n_states * float(process.vocab) ** order)
        if total > max_nodes:
            break
        order += 1
    return order


def _entropy_after(process: Process, depth: int) -> float:
    """H(X_{depth+1} | X_1..X_depth) over the prefix tree, nats."""
    tree = prefix_tree(process, depth)
    last = tree.level(depth)
    return float(tree.probability[last] @ entropy(predict(process, tree.belief[last])))
