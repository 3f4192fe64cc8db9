"""The value of a belief where symbols are rewarded: what an ideal observer expects to be paid from now on."""

import numpy as np
from jaxtyping import Float64

from ..process import Process, ProcessError
from ..values.arrays import real
from ..values.checks import checked

MOST_DELAY = 1_000_000
"""Steps by which rewards may be late: beyond that nothing is left of what was known."""
MOST_PAID = 1e150
"""Rewards beyond this, either way, overflow where they are summed."""


@checked
def value(
    process: Process, reward: Float64[np.ndarray, "*rewarded"], *, discount: float, delay: int = 0
) -> Float64[np.ndarray, "S"]:
    """The value v (S,) of each hidden state: a belief b, after any word, is worth V(b) = b . v, exactly.

    v = T^delay (1 - discount T)^-1 rho, where T = sum_x T[x] and rho_i = sum_x reward[x] (T[x] w)_i: the
    expected sum of discount^k r(x_{t+1+delay+k}) over k = 0, 1, ... after x_t was read. `reward` is (V,), or
    (V, S) where what a symbol is worth depends on the state i that emits it: on which source writes (see
    `Mixture.reward`), or which constraints hold (`Protocol.reward`). It is linear in the belief whatever is
    paid, and not in the beliefs about parts of a composition. `discount` 0 asks for the one symbol that is
    `delay` beyond the next. Raises `ProcessError` unless 0 <= discount < 1 and 0 <= delay, for rewards of
    other shapes or beyond `MOST_PAID`, and for rewards by state of a generalised process, whose beliefs are
    no mixtures of states.

    >>> import processes
    >>> even = processes.named("even")
    >>> v = processes.value(even, [0, 1], discount=0.9)  # a 1 is worth 1
    >>> print(v.round(3), (even.start @ v).round(3))  # of A and B; 10 times the mean reward at the start
    [6.552 6.897] 6.667
    """
    reward = rewards(process, reward)
    if not 0 <= discount < 1:
        raise ProcessError(f"the discount is {discount:g}; it must be at least 0 and less than 1")
    if not 0 <= delay <= MOST_DELAY:
        raise ProcessError(f"the delay is {delay}; it must be from 0 to {MOST_DELAY} steps")
    chain, by_state = process.T.sum(0), reward if reward.ndim == 2 else reward[:, None]
    paid = (by_state * (process.T @ process.w)).sum(0)
    found = np.linalg.solve(np.eye(process.n_states) - discount * chain, paid)
    return np.asarray(np.linalg.matrix_power(chain, delay) @ found)


def rewards(process: Process, reward) -> Float64[np.ndarray, "*rewarded"]:
    """Rewards as numbers (V,) or (V, S), if they are such of this process."""
    reward = real(reward, "reward")
    shapes = [(process.vocab,), (process.vocab, process.n_states)]
    if reward.shape not in shapes:
        raise ProcessError(
            f"reward has shape {reward.shape}; {process.name} has {process.vocab} symbols and "
            f"{process.n_states} states, so it must be {shapes[0]}, or {shapes[1]} for rewards by state"
        )
    if np.abs(reward).max() > MOST_PAID:
        raise ProcessError(f"a reward is {np.abs(reward).max():.3g} in size; it may be {MOST_PAID:g} at most")
    if reward.ndim == 2 and process.kind == "ghmm":
        raise ProcessError(
            f"{process.name} is a generalised process, whose beliefs are no mixtures of states; reward its "
            f"symbols alone, {shapes[0]}"
        )
    return reward
