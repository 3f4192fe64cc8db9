"""Random k-XORSAT as a decision problem: m equations, then the verdict whether some assignment satisfies them
all.
"""

import hashlib
import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float64, Int, UInt32

from ..algebra import gf2
from ..process import ProcessError
from ..values.checks import checked
from ..values.record import Record, remembered
from .xorsat import XorSat, check_sizes, xorsat
from .xorsat_stream import spans
from .xorsat_thresholds import xorsat_thresholds

MOST_VARIABLES = 30
"""An equation is one 32-bit word."""
MOST_TOKENS = 2**16
MOST_EQUATIONS = 200
MOST_SPANS = 4000
"""Spans of left sides up to which P(satisfiable) is exact: about a second."""
DRAWN = 2**14
"""Sets of left sides drawn, always the same, where it is not."""


@dataclass(frozen=True)
class Instances(Record):
    """Words of m independent equations, each of k distinct variables out of n and a fair right side, then the
    verdict.

    Tokens are those of `xorsat_stream`: C(n, k) left sides in lexicographic order times two right sides (2 i
    + b), then `satisfiable`, then `contradiction`. The verdict's exact distribution is elimination itself, so
    its loss floor is zero. Build one with `instances`, which checks it.
    """

    n: int  # variables
    k: int  # variables of an equation
    m: int  # equations

    @property
    def name(self) -> str:
        """As it is written."""
        return f"xorsat(n={self.n}, k={self.k}, m={self.m})"

    @property
    def spec(self) -> str:
        """The same, which `source` reads."""
        return self.name

    @property
    def equations(self) -> int:
        """Number of distinct equations, which is also the token `satisfiable`; `contradiction` is the
        next."""
        return 2 * math.comb(self.n, self.k)

    @property
    def vocab(self) -> int:
        """Equations and two verdicts."""
        return self.equations + 2

    @property
    def slots(self) -> int:
        """Number of equation tokens, which is also the position from which the verdict is predicted plus
        one."""
        return self.m

    @property
    def answers(self) -> int:
        """One: the verdict."""
        return 1

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of its numbers; never those of a process or of a ledger."""
        return hashlib.sha256(b"instances" + np.array([self.n, self.k, self.m], "<i8").tobytes()).hexdigest()[
            :12
        ]

    @remembered
    def rows(self) -> UInt32[np.ndarray, "E"]:
        """Each equation as bits: the right side is bit 0, variable v is bit v + 1."""
        left = [sum(2 << v for v in chosen) for chosen in combinations(range(self.n), self.k)]
        return (np.array(left, np.uint32)[:, None] | np.arange(2, dtype=np.uint32)).ravel()

    @checked
    def instance(self, word: Int[np.ndarray, "L"]) -> XorSat:
        """The equations of one word. Raises `ProcessError` where `next_token` does."""
        rows = self._asked(word)[: self.m]
        bits = rows[:, None] >> np.arange(self.n + 1, dtype=np.uint32) & np.uint32(1)
        return xorsat(bits[:, 1:], bits[:, 0])

    @checked
    def satisfiable(self, words: Int[np.ndarray, "*n L"]) -> Bool[np.ndarray, "*n"]:
        """Whether all equations at the start of each word have a common solution. Raises `ProcessError` where
        `next_token` does.
        """
        return gf2.consistent(gf2.eliminated(self._asked(words)))

    @checked
    def sample(self, n: int, rng: np.random.Generator) -> Int[np.ndarray, "n L"]:
        """Independent words of m + 1 tokens."""
        if n < 0:
            raise ProcessError(f"{n} words were asked for; give 0 or more")
        asked = rng.integers(self.equations, size=(n, self.m))
        return np.column_stack([asked, self.equations + ~self.satisfiable(asked)])

    @checked
    def next_token(self, words: Int[np.ndarray, "*n L"]) -> Float64[np.ndarray, "*n vocab"]:
        """Exact distribution of the token after each word of 0 to m equations.

        Raises `ProcessError` for a longer word, which has ended, and for a token that is no equation.
        """
        if words.shape[-1] > self.m:
            raise ProcessError(
                f"words of {self.name} end after {self.m + 1} tokens, so nothing follows {words.shape[-1]} "
                "of them"
            )
        rows, distribution = self._asked(words), np.zeros((*words.shape[:-1], self.vocab))
        if words.shape[-1] < self.m:
            distribution[..., : self.equations] = 1 / self.equations
        else:
            distribution[..., self.equations] = gf2.consistent(gf2.eliminated(rows))
            distribution[..., self.equations + 1] = 1 - distribution[..., self.equations]
        return distribution

    def _asked(self, words: Int[np.ndarray, "*n L"]) -> UInt32[np.ndarray, "*n m"]:
        asked = words[..., : self.m]
        if ((asked < 0) | (asked >= self.equations)).any():
            raise ProcessError(
                "a word has a token that is no equation before its verdict; equations are 0 to "
                f"{self.equations - 1}"
            )
        return self.rows[asked]

    def consistency(self) -> tuple[float, float | None]:
        """P(satisfiable) and its standard error, None where it is exact.

        Given left sides of rank r, all 2^m right sides are equally likely and 2^r of them have a solution, so
        it is the mean of 2^(r - m): over all left sides, by their span, up to `MOST_SPANS` spans; over
        `DRAWN` of them beyond.
        """
        exact = _consistency(self.n, self.k, self.m)
        if exact is not None:
            return exact, None
        left = np.random.default_rng(0).integers(self.equations // 2, size=(DRAWN, self.m))
        share = 2.0 ** (gf2.rank(gf2.eliminated(self.rows[2 * left])) - self.m)
        return float(share.mean()), float(share.std(ddof=1) / math.sqrt(DRAWN))

    def card(self) -> dict[str, int | float | str]:
        """Plain values: sizes, density beside the thresholds of large instances, and what a guess that never
        looks would cost.
        """
        p, error = self.consistency()
        entropy = abs(sum(q * math.log(q) for q in (p, 1 - p) if q > 0))
        how = "exact, by the spans of left sides"
        if error is not None:
            how = (
                f"mean over {DRAWN} drawn left sides, 95 % interval {p - 1.96 * error:.4g} to "
                f"{p + 1.96 * error:.4g}"
            )
        large = {}
        if self.k >= 3:
            thresholds = xorsat_thresholds(self.k)
            large = {
                "clustering threshold, large n": thresholds.clustering,
                "satisfiability threshold, large n": thresholds.satisfiability,
            }
        return {
            "name": self.name,
            "variables": self.n,
            "variables of an equation": self.k,
            "equations": self.m,
            "vocabulary": self.vocab,
            "equations per variable": self.m / self.n,
            **large,
            "mean number of solutions": 2.0 ** (self.n - self.m),
            "P(satisfiable)": p,
            "P(satisfiable) is": how,
            "accuracy of a constant guess": max(p, 1 - p),
            "entropy of the verdict, nats": entropy,
            "loss floor at the verdict, nats": 0.0,
        }


def _consistency(n: int, k: int, m: int) -> float | None:
    """P(satisfiable), exactly; None if there are over `MOST_SPANS` spans of left sides."""
    follow = spans([sum(2 << v for v in chosen) for chosen in combinations(range(n), k)], MOST_SPANS)
    if follow is None:
        return None
    # A left side that is known already has the right side that it must have in half of all cases.
    share = np.where(follow == np.arange(len(follow))[:, None], 0.5, 1.0) / follow.shape[1]
    at = np.eye(1, len(follow))[0]
    for _ in range(m):
        at = np.bincount(follow.ravel(), (at[:, None] * share).ravel(), minlength=len(follow))
    return float(at.sum())


@checked
def instances(*, n: int, k: int, m: int) -> Instances:
    """Instances of m random equations in n variables, k of them each.

    Raises `ProcessError` unless 1 <= k <= n <= 30 and 1 <= m <= 200, and for more than 2^16 tokens.
    """
    check_sizes(n, k)
    if n > MOST_VARIABLES:
        raise ProcessError(f"n is {n}; instances have at most {MOST_VARIABLES} variables")
    if not 1 <= m <= MOST_EQUATIONS:
        raise ProcessError(f"m is {m}; instances have 1 to {MOST_EQUATIONS} equations")
    made = Instances(n, k, m)
    if made.vocab > MOST_TOKENS:
        raise ProcessError(
            f"{n} variables, {k} an equation, make a vocabulary of {made.vocab}; at most {MOST_TOKENS} are "
            "supported, use a smaller k"
        )
    return made
