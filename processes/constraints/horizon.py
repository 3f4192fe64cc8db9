"""The process conditioned on satisfying a constraint up to a finite length: exact, and different at every
time.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from ..process import Process, ProcessError
from ..values.checks import checked
from ..values.record import Record
from .automaton import Automaton, runs
from .restricted import check_alphabet


@dataclass(frozen=True, eq=False)
class Horizon(Record, copies=False):
    """The distribution of the first n symbols of `base` given that together they satisfy `constraint`.

    P(prefix | satisfied at n) = start T_prefix survival[len(prefix), a] / P(satisfied at n), a the automaton
    state after the prefix.
    """

    base: Process
    constraint: Automaton
    length: int  # n
    survival: Float64[
        np.ndarray, "N A S"
    ]  # [t, a, i] proportional to P(satisfied at n | a, i after t symbols), largest 1; N = n + 1
    log_scale: Float64[np.ndarray, "N"]  # log of the factor of proportionality at each t

    @property
    def load(self) -> float:
        """-log P(a word of length n satisfies the constraint), nats in total."""
        mass = self.base.start @ self.survival[0, self.constraint.start]
        return max(0.0, -float(np.log(mass) + self.log_scale[0]))

    @checked
    def log_probability(self, prefixes: Int[np.ndarray, "*batch L"]) -> Float64[np.ndarray, "*batch"]:
        """log P(prefix | satisfied at n) for prefixes (..., L) of one length L <= n; -inf for those from
        which it cannot be satisfied.
        """
        row, logs, a = self._forward(prefixes)
        t = np.shape(prefixes)[-1]
        with np.errstate(divide="ignore"):
            mass = np.einsum("...i,...i->...", row, self.survival[t, a])
            return np.asarray(
                np.log(np.where(mass > self.base.zero, mass, 0.0)) + logs + self.log_scale[t] + self.load
            )

    @checked
    def next_token(self, prefixes: Int[np.ndarray, "*batch L"]) -> Float64[np.ndarray, "*batch V"]:
        """Exact distribution of the next symbol after each prefix (..., L), L < n; returns (..., V), exact
        zeros on what would violate.

        Raises `ProcessError` if a prefix is too long, or cannot be completed to a satisfying word.
        """
        t = np.shape(prefixes)[-1]
        if t >= self.length:
            raise ProcessError(
                f"a prefix of length {t} has no next symbol at the horizon {self.length}; ask for a longer "
                "horizon"
            )
        row, _, a = self._forward(prefixes)
        after = self.constraint.next[a]
        joint = np.einsum("...i,xij->...xj", row, self.base.T)
        mass = np.einsum("...xj,...xj->...x", joint, self.survival[t + 1, after])
        mass = np.where(self.constraint.allowed[after] & (mass > self.base.zero), mass, 0.0)
        total = mass.sum(-1, keepdims=True)
        if not (total > 0).all():
            word = np.asarray(prefixes)[tuple(np.argwhere(total[..., 0] <= 0)[0])]
            raise ProcessError(
                f"no word of length {self.length} begins with {''.join(map(str, word))} and satisfies "
                f"{self.constraint.name}"
            )
        return mass / total

    def _forward(self, prefixes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Belief of the base (up to a positive factor), log P(prefix) under the base, and automaton state
        after each prefix.
        """
        if prefixes.shape[-1] > self.length:
            raise ProcessError(
                f"a prefix of length {prefixes.shape[-1]} is longer than the horizon {self.length}; ask for "
                "a longer horizon"
            )
        state = runs(self.constraint, prefixes)[..., -1]
        row = np.broadcast_to(self.base.start, (*prefixes.shape[:-1], self.base.n_states))
        logs = np.zeros(prefixes.shape[:-1])
        for t in range(prefixes.shape[-1]):
            row = np.einsum("...i,...ij->...j", row, self.base.T[prefixes[..., t]])
            mass = row @ self.base.w
            possible = mass > self.base.zero
            row = np.where(possible[..., None], row / np.where(possible, mass, 1.0)[..., None], 0.0)
            logs = logs + np.log(np.where(possible, mass, 1.0))
        return row, np.asarray(logs), np.asarray(state)


@checked
def horizon(base: Process, constraint: Automaton, length: int) -> Horizon:
    """The base conditioned on words of this length satisfying the constraint, by backward recursion.

    survival[n] = w on final states; survival[t, a] = sum_x T[x] survival[t+1, next[a, x]] over allowed next
    states. Raises `ProcessError` if alphabets differ, `length` < 1, or no word of this length satisfies the
    constraint.
    """
    check_alphabet(base, constraint)
    if length < 1:
        raise ProcessError(f"a horizon is at least 1 symbol away, not {length}")
    A, S = constraint.n_states, base.n_states
    survival, log_scale = np.zeros((length + 1, A, S)), np.zeros(length + 1)
    survival[length] = np.where(constraint.final[:, None], base.w, 0.0)
    for t in range(length - 1, -1, -1):
        later = np.where(constraint.allowed[:, None], survival[t + 1], 0.0)
        here = sum(later[constraint.next[:, x]] @ base.T[x].T for x in range(base.vocab))
        here = np.where(constraint.allowed[:, None], here, 0.0)
        top = np.abs(here).max() or 1.0
        survival[t], log_scale[t] = here / top, log_scale[t + 1] + np.log(top)
    if not base.start @ survival[0, constraint.start] > base.zero:
        raise ProcessError(
            f"no word of length {length} of {base.name} satisfies {constraint.name}; drop a constraint or "
            "change the length"
        )
    return Horizon(base, constraint, length, survival, log_scale)
