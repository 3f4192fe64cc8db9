"""Random k-XORSAT: linear equations over GF(2) with k variables each, and everything about an instance that
is exact.

Elimination solves an instance in a moment, local search hardly ever; where large random ones lose their
solutions is known exactly.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from ..algebra import gf2
from ..process import ProcessError
from ..values.arrays import binary
from ..values.checks import checked
from ..values.randomness import generator
from ..values.record import Record, remembered


@dataclass(frozen=True, eq=False)
class XorSat(Record):
    """An instance: m equations checks @ x = right (mod 2) in n variables. Build one with `xorsat`, which
    checks it, or `random_xorsat`.
    """

    checks: Int[np.ndarray, "m n"]
    right: Int[np.ndarray, "m"]

    @remembered
    def _rows(self) -> np.ndarray:
        """The equations, fully eliminated (see `gf2`)."""
        return gf2.eliminated(gf2.packed(self.checks == 1, self.right == 1), fully=True)

    @property
    def n(self) -> int:
        """Number of variables."""
        return self.checks.shape[1]

    @property
    def satisfiable(self) -> bool:
        """Whether some x satisfies all equations: no combination of them says 0 = 1."""
        return bool(gf2.consistent(self._rows))

    @property
    def rank(self) -> int:
        """Rank of the left sides over GF(2)."""
        return int(gf2.rank(self._rows))

    @property
    def solutions(self) -> int:
        """Number of solutions: 2^(n - rank), or none."""
        return 2 ** (self.n - self.rank) if self.satisfiable else 0

    def solution(self) -> Int[np.ndarray, "n"] | None:
        """The solution in which all free variables are zero; None if there is none."""
        if not self.satisfiable:
            return None
        x = np.zeros(self.n, np.int64)
        for row in self._rows:
            if row:  # its lowest variable, which no other equation has, has the value of its right side
                x[(row & ~1 & -(row & ~1)).bit_length() - 2] = row & 1
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
def random_xorsat(
    n: int, m: int, k: int, rng: np.random.Generator | None = None, *, seed: int | None = None
) -> XorSat:
    """m independent equations, each of k distinct variables out of n and a fair right side; drawn with `rng`,
    or from `seed`. Raises `ProcessError` unless 1 <= k <= n, m >= 0.
    """
    rng = generator(rng, seed, "random_xorsat")
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
