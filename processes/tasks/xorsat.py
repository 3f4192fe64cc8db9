"""Random k-XORSAT: linear equations over GF(2) with k variables each, and everything about an instance that
is exact.

Elimination solves an instance in a moment, local search hardly ever; where large random ones lose their
solutions is known exactly.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Int
from scipy.optimize import brentq, minimize_scalar

from ..process import Process, ProcessError, hmm
from ..values.checks import binary, checked
from ..values.record import Record, remembered
from ..values.structure import Built, remember

MOST_ENTRIES = 30_000_000
"""Entries of the transition matrices of a stream: 240 MB."""


@dataclass(frozen=True, eq=False)
class XorSat(Record):
    """An instance: m equations checks @ x = right (mod 2) in n variables. Build one with `xorsat`, which
    checks it, or `random_xorsat`.
    """

    checks: Int[np.ndarray, "m n"]
    right: Int[np.ndarray, "m"]

    @remembered
    def _reduced(self) -> tuple[list[int], np.ndarray]:
        """Pivot columns and the augmented matrix in reduced row echelon form; a pivot in the last column is a
        contradiction.
        """
        A = np.column_stack([self.checks, self.right]).astype(bool)
        pivots: list[int] = []
        for column in range(A.shape[1]):
            row = len(pivots)
            below = np.flatnonzero(A[row:, column])
            if len(below):
                A[[row, row + below[0]]] = A[[row + below[0], row]]
                others = np.flatnonzero(A[:, column])
                A[others[others != row]] ^= A[row]
                pivots.append(column)
        return pivots, A

    @property
    def n(self) -> int:
        """Number of variables."""
        return self.checks.shape[1]

    @property
    def satisfiable(self) -> bool:
        """Whether some x satisfies all equations: no combination of them says 0 = 1."""
        return self.n not in self._reduced[0]

    @property
    def rank(self) -> int:
        """Rank of the left sides over GF(2)."""
        return sum(column < self.n for column in self._reduced[0])

    @property
    def solutions(self) -> int:
        """Number of solutions: 2^(n - rank), or none."""
        return 2 ** (self.n - self.rank) if self.satisfiable else 0

    def solution(self) -> Int[np.ndarray, "n"] | None:
        """The solution in which all free variables are zero; None if there is none."""
        if not self.satisfiable:
            return None
        pivots, A = self._reduced
        x = np.zeros(self.n, np.int64)
        x[pivots] = A[: len(pivots), -1]
        return x

    @checked
    def satisfies(self, x: Int[np.ndarray, "*b n"]) -> Bool[np.ndarray, "*b m"]:
        """Which equations assignments satisfy."""
        if x.shape[-1] != self.n:
            raise ProcessError(
                f"assignments have shape {x.shape}; the instance has {self.n} variables, so it must be (..., "
                f"{self.n})"
            )
        return (x @ self.checks.T - self.right) % 2 == 0

    def core(self) -> tuple[Int[np.ndarray, "c"], Int[np.ndarray, "v"]]:
        """Numbers of the equations and variables of the 2-core: what is left when equations with a variable
        of their own are removed again and again.

        Such an equation can be satisfied last, whatever the rest says; so the instance is satisfiable if and
        only if its core is.
        """
        members = [set(np.flatnonzero(row).tolist()) for row in self.checks]
        of: list[set[int]] = [set(np.flatnonzero(column).tolist()) for column in self.checks.T]
        leaves = [v for v, clauses in enumerate(of) if len(clauses) == 1]
        left = set(range(len(members)))
        while leaves:
            v = leaves.pop()
            for clause in list(of[v]):  # one, or none any more
                left.discard(clause)
                for u in members[clause]:
                    of[u].discard(clause)
                    if len(of[u]) == 1:
                        leaves.append(u)
        kept = np.array(sorted(left), np.int64)
        return kept, np.flatnonzero(self.checks[kept].any(0))

    def word(self) -> Int[np.ndarray, "L"]:
        """The instance as tokens: the variables of each equation in order, then n + its right side; at the
        end n + 2 + satisfiable.
        """
        clauses = [[*np.flatnonzero(row), self.n + b] for row, b in zip(self.checks, self.right, strict=True)]
        return np.array([t for clause in clauses for t in clause] + [self.n + 2 + self.satisfiable], np.int64)


@checked
def xorsat(checks, right) -> XorSat:
    """The instance with these left and right sides. Raises `ProcessError` unless both are 0/1 and of fitting
    shapes.
    """
    checks, right = binary(checks, "checks"), binary(right, "the right side")
    if checks.ndim != 2 or right.shape != checks.shape[:1]:
        raise ProcessError(
            f"checks of shape {checks.shape} and a right side of shape {right.shape}; give 0/1 arrays (m, n) "
            "and (m,)"
        )
    return XorSat(checks.astype(np.int64), right.astype(np.int64))


@checked
def random_xorsat(n: int, m: int, k: int, rng: np.random.Generator) -> XorSat:
    """m independent equations, each of k distinct variables out of n and a fair right side. Raises
    `ProcessError` unless 1 <= k <= n, m >= 0.
    """
    check_sizes(n, k)
    if m < 0:
        raise ProcessError(f"m is {m}; an instance has 0 or more equations")
    checks = np.zeros((m, n), np.int64)
    np.put_along_axis(checks, np.argsort(rng.random((m, n)), axis=1)[:, :k], 1, axis=1)
    return XorSat(checks, rng.integers(2, size=m))


def check_sizes(n: int, k: int) -> None:
    """Raises `ProcessError` unless 1 <= k <= n."""
    if not 1 <= k <= n:
        raise ProcessError(f"k is {k} of {n} variables; an equation has 1 to n distinct ones")


@dataclass(frozen=True)
class Thresholds(Record):
    """Equations per variable at which large random instances change their nature."""

    clustering: float  # a 2-core appears, and solutions fall into clusters far apart
    satisfiability: float  # the core has as many equations as variables: beyond, there is no solution


@checked
def xorsat_thresholds(k: int) -> Thresholds:
    """The thresholds of random k-XORSAT (Mezard, Ricci-Tersenghi, Zecchina 2003; Dubois & Mandler 2002).

    With Q = P(an equation's variable stays when that equation is left out) in the limit of many variables, Q
    = 1 - exp(-l), l = k c Q^(k-1) at c equations per variable, so that c(Q) = -log(1 - Q) / (k Q^(k-1)). The
    core appears at the least c; its equations, c Q^k, become as many as its variables, Q - l (1 - Q), at the
    other. Raises `ProcessError` for k < 3, where the core grows from nothing.
    """
    if k < 3:
        raise ProcessError(
            f"k is {k}; with fewer than 3 variables in an equation there is no gap between these thresholds"
        )
    least = float(
        minimize_scalar(
            lambda Q: density(Q, k), bounds=(1e-6, 1 - 1e-9), method="bounded", options={"xatol": 1e-12}
        ).x
    )

    def surplus(Q: float) -> float:
        variables, equations = core_size(Q, k)
        return variables - equations

    return Thresholds(density(least, k), density(brentq(surplus, least, 1 - 1e-12, xtol=1e-14), k))


def density(Q: float, k: int) -> float:
    """Equations per variable at which the fixed point is Q."""
    return -math.log1p(-Q) / (k * Q ** (k - 1))


def core_size(Q: float, k: int) -> tuple[float, float]:
    """Variables and equations of the core at the fixed point Q, per variable of the instance."""
    rate = -math.log1p(-Q)
    return Q - rate * (1 - Q), rate * Q / k


def fixed_point(c: float, k: int) -> float:
    """The largest Q with Q = 1 - exp(-k c Q^(k-1)), by iteration from 1; 0 below the clustering threshold."""
    Q = 1.0
    for _ in range(100_000):
        last, Q = Q, -math.expm1(-k * c * Q ** (k - 1))
        if abs(last - Q) < 1e-14:
            break
    return Q if Q > 1e-6 else 0.0


@checked
def dense_consistency(n: int, m: int) -> float:
    """P(m equations in n variables, every coefficient and right side a fair coin, have a solution).

    The next equation is new to r independent ones with probability 1 - 2^(r-n); if it is not, it agrees with
    them in half of all cases.
    """
    if n < 0 or m < 0:
        raise ProcessError(f"{m} equations in {n} variables; both are 0 or more")
    law = np.zeros(n + 1)
    law[0] = 1.0
    for _ in range(m):
        known = law * 2.0 ** (np.arange(n + 1) - n)
        law = known / 2 + np.concatenate([[0], (law - known)[:-1]])
    return float(law.sum())


@checked
def xorsat_stream(*, n: int, k: int) -> Process:
    """Random equations one after the other, each followed by the verdict whether all so far can be satisfied;
    after a contradiction it starts anew.

    Symbols: C(n, k) left sides in lexicographic order times two right sides (2 i + b), then `satisfiable`,
    then `contradiction`. Hidden state: the equations' span, and whether a verdict is due; so the exact
    next-token law is elimination itself, and the law of verdict m is P(SAT) of m random equations. Raises
    `ProcessError` where there are too many spans to write down.
    """
    check_sizes(n, k)
    rows = [sum(1 << v for v in chosen) | (b << n) for chosen in combinations(range(n), k) for b in range(2)]
    most = int((math.sqrt(MOST_ENTRIES / (len(rows) + 2)) - 1) / 2)
    follow = spans(rows, n, most)
    if follow is None:
        raise ProcessError(
            f"{n} variables, {k} an equation, have over {most} spans, too many for a process; use fewer "
            "variables"
        )
    due, broken = len(follow), 2 * len(follow)
    T = np.zeros((len(rows) + 2, broken + 1, broken + 1))
    for i, after in enumerate(follow):
        for token, j in enumerate(after):
            T[token, i, broken if j < 0 else due + j] = 1 / len(rows)
        T[len(rows), due + i, i] = 1.0
    T[len(rows) + 1, broken, 0] = 1.0
    made = hmm(T, np.eye(broken + 1)[0], name=f"xorsat(n={n}, k={k})")
    return remember(made, Built("xorsat", {"n": n, "k": k}))


def spans(rows: Sequence[int], n: int, most: int) -> Int[np.ndarray, "spans rows"] | None:
    """The number of the span that each span becomes by each row, -1 where they say 0 = 1; the empty one is
    number 0. None if there are over `most`.

    Rows are bits: 0 to n - 1 the left side, bit n the right side.
    """
    number: dict[tuple[int, ...], int] = {(): 0}
    follow: list[list[int]] = []
    todo: list[tuple[int, ...]] = [()]
    for span in todo:
        after = []
        for row in rows:
            grown = _extended(span, row, n)
            if grown is not None and grown not in number:
                number[grown] = len(number)
                todo.append(grown)
            after.append(-1 if grown is None else number[grown])
        follow.append(after)
        if len(number) > most:
            return None
    return np.array(follow)


def _extended(span: tuple[int, ...], row: int, n: int) -> tuple[int, ...] | None:
    """The reduced basis of a span of equations (bits 0 to n - 1: left side, bit n: right side) and one more;
    None if it says 0 = 1.
    """
    left = (1 << n) - 1
    for basis in span:
        if row & (basis & left & -(basis & left)):
            row ^= basis
    if not row & left:
        return None if row else span
    pivot = (row & left) & -(row & left)
    return tuple(sorted([*(b ^ row if b & pivot else b for b in span), row]))
