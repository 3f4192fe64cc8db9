"""Rashomon sets: how many unifilar machines of a given size predict a process almost as well as can be."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Float64, Int

from ..entropy import entropy
from ..process import Process, ProcessError
from ..values.checks import checked
from ..values.notes import noted
from ..values.record import Record
from .rates import entropy_rate

MOST = 2_000_000
"""Machines that are told apart by their names of states; there are k**(V k) of k states on V symbols."""
SQUARINGS = 40
"""The lazy chain is taken to this power of two of steps, after which nothing transient is left."""
BATCH = 2**22
"""Entries of chains that are worked on at once."""


@dataclass(frozen=True, eq=False)
class RashomonSet(Record):
    """The machines of k states and what each comes to at best (the term: Breiman 2001; counting them:
    Semenova, Rudin & Parr 2022). Machines that differ by the names of their states, the first one aside, are
    one class.
    """

    floor: float  # entropy rate, nats: what no predictor falls below
    next: Int[np.ndarray, "C k V"]  # state after each state and symbol, one machine of each class
    size: Int[np.ndarray, "C"]  # machines of each class
    excess: Float64[np.ndarray, "C"]  # over the floor with the best parameters, nats per symbol
    eps: float  # excess up to which a machine is in the set

    @property
    def machines(self) -> int:
        """All machines, k**(V k)."""
        return int(self.size.sum())

    @property
    def within(self) -> int:
        """How many of them are in the set."""
        return int(self.size[self.excess <= self.eps].sum())

    @property
    def classes_within(self) -> int:
        """The same up to the names of states, of `len(size)` classes."""
        return int((self.excess <= self.eps).sum())

    @property
    def share(self) -> float:
        """The part of all machines that is in the set."""
        return self.within / self.machines


@checked
@noted(16)
def rashomon_set(process: Process, k: int, eps: float) -> RashomonSet:
    """All unifilar machines of k states that read a process, by what they come to with their best parameters.

    A machine starts in its first state, goes from state s to next[s, x] on symbol x, and predicts in each
    state one distribution; the best is what follows that state in the long run, P(x | s) = sum_i pi(i, s)
    P(x | i), with pi the long-run distribution of hidden state and machine from where both start. Its excess
    is sum_s pi(s) H(P(. | s)) less the entropy rate. Raises `ProcessError` for fewer than 1 state, eps
    that is not positive or finer than what is known of the entropy rate, more than two million machines, and
    generalised processes.

    >>> import processes
    >>> found = processes.rashomon_set(processes.named("golden_mean"), 2, eps=1e-6)
    >>> found.within, found.machines
    (4, 16)
    """
    _check(process, k, eps)
    rate = entropy_rate(process)
    machines, size = _classes(k, process.vocab)
    lost = np.concatenate([_loss(process, m) for m in _batches(machines, process.n_states)])
    if (rate.upper - rate.lower) > 0 and ((lost - rate.upper < eps) & (lost - rate.lower > eps)).any():
        raise ProcessError(
            f"the entropy rate of {process.name} is known to {rate.upper - rate.lower:.1e} nats, which does "
            f"not tell which machines are within eps = {eps:g}; take a larger eps"
        )
    return RashomonSet(rate.value, machines, size, (lost - rate.value).clip(0), eps)


def _check(process: Process, k: int, eps: float) -> None:
    if k < 1:
        raise ProcessError(f"k is {k}; a machine has at least 1 state")
    if not eps > 0:
        raise ProcessError(f"eps is {eps:g}; it is the excess that is allowed, more than 0 nats")
    if process.kind != "hmm" or (process.T < 0).any() or (process.start < 0).any():
        raise ProcessError(
            f"{process.name} is a generalised process, whose hidden states have no long-run probabilities; "
            "machines are counted for hidden Markov models"
        )
    if process.vocab * k * np.log(k) > np.log(MOST):
        raise ProcessError(
            f"there are {k}**{process.vocab * k} machines of {k} states on {process.vocab} symbols, more "
            f"than {MOST}; take fewer states"
        )


def _classes(k: int, V: int) -> tuple[np.ndarray, np.ndarray]:
    """The first machine, in lexicographic order, of every class up to the names of all states but the first;
    and how many machines that is.
    """
    place = k ** np.arange(V * k - 1, -1, -1)
    codes = np.arange(k ** (V * k))
    machines = (codes[:, None] // place % k).reshape(-1, k, V)
    least, fixed = codes.copy(), np.zeros(len(codes), np.int64)
    renamings = [np.array((0, *rest)) for rest in permutations(range(1, k))]
    for name in renamings:
        renamed = name[machines[:, np.argsort(name)]].reshape(len(codes), -1) @ place
        least = np.minimum(least, renamed)
        fixed += renamed == codes
    first = least == codes
    return machines[first], len(renamings) // fixed[first]


def _batches(machines: np.ndarray, S: int) -> Iterator[np.ndarray]:
    each = max(BATCH // (S * machines.shape[1]) ** 2, 1)
    return (machines[i : i + each] for i in range(0, len(machines), each))


def _loss(process: Process, machines: np.ndarray) -> np.ndarray:
    """Cross entropy of machines with their best parameters in the long run, nats per symbol (M,).

    The powers of a chain that stays where it is half of the time converge to its mean over time, whatever
    the periods of process and machine.
    """
    (M, k, V), S = machines.shape, process.n_states
    lazy = np.zeros((M, S, k, S, k))
    each, i, j = np.ix_(np.arange(M), np.arange(S), np.arange(S))
    for s in range(k):
        for x in range(V):
            lazy[each, i, s, j, machines[:, s, x][:, None, None]] += process.T[x]
    chain = (lazy.reshape(M, S * k, S * k) + np.eye(S * k)) / 2
    for _ in range(SQUARINGS):
        chain = chain @ chain
        chain /= chain.sum(2, keepdims=True)
    first = np.einsum("i,mijs->mjs", process.start, chain.reshape(M, S, k, S, k)[:, :, 0])
    joint = np.einsum("mjs,xj->msx", first, process.T @ process.w)
    mass = joint.sum(2, keepdims=True)
    predicted = np.divide(joint, mass, out=np.full(joint.shape, 1 / V), where=mass > 0)
    return np.asarray((mass[..., 0] * entropy(predicted)).sum(1))
