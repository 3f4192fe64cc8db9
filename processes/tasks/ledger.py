"""Ledgers: so many constraints that their joint process could not be written, exact all the same because
beliefs factor over them.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from ..process import ProcessError
from ..values.arrays import binary, not_a_distribution, real
from ..values.checks import checked
from ..values.record import Record, remembered

MOST = 4096
"""Most constraints of a ledger by name: `forbids` is a dense matrix."""
DRAWN = 4096
"""Subsets drawn, always the same, for the means of a card."""


@dataclass(frozen=True, eq=False)
class Ledger(Record):
    """Control slots that switch K constraints on and off, then one body symbol that obeys those that are on.

    Slot j holds token V + j 2^g + pattern, whose g bits, the most significant first, switch constraints j g
    .. j g + g - 1. With S the constraints that are on and A_S the symbols that none of them forbids,

        P(word) = prod_k p^[k in S] (1-p)^[k not in S]  base[x] [x in A_S] / base(A_S)

    It is the process of `protocol` for constraints on single symbols, read up to the first symbol of its
    body, but that 2^K subsets need no 2^K states: the belief is one bit a constraint. Build one with
    `ledger`, which checks it.
    """

    base: Float64[np.ndarray, "V"]  # distribution of the body symbol where nothing is on
    forbids: Bool[np.ndarray, "K V"]  # which symbols each constraint forbids
    p: float  # probability of each constraint to be on, independently
    g: int  # constraints that one slot announces
    name: str

    @property
    def K(self) -> int:
        """Number of constraints."""
        return len(self.forbids)

    @property
    def V(self) -> int:
        """Number of body symbols."""
        return len(self.base)

    @property
    def slots(self) -> int:
        """Number of control slots, which is also the position from which the body symbol is predicted plus
        one.
        """
        return self.K // self.g

    @property
    def vocab(self) -> int:
        """Body symbols and 2^g tokens a slot."""
        return self.V + self.slots * 2**self.g

    @property
    def spec(self) -> str | None:
        """`ledger(K=32, g=4, p=0.5)`, as `source` reads it; None if it is not the `disjoint_ledger` of its
        size."""
        by_name = self.V == self.K + 1 <= MOST + 1 and (self.base == 1 / self.V).all()
        if not (by_name and (self.forbids == np.eye(self.K, self.V, 1)).all()):
            return None
        return f"ledger(K={self.K}, g={self.g}, p={self.p!r})"

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of its numbers; never those of a process."""
        numbers = [np.array([*self.forbids.shape, self.g, self.p]), self.base, self.forbids.ravel()]
        return hashlib.sha256(b"ledger" + np.concatenate(numbers).astype("<f8").tobytes()).hexdigest()[:12]

    def __repr__(self) -> str:
        return f"<{self.name}: {self.V} body symbols, {self.K} constraints in {self.slots} slots>"

    @remembered
    def patterns(self) -> Bool[np.ndarray, "G g"]:
        """The bits of each pattern that a slot can hold, G = 2^g."""
        return (np.arange(2**self.g)[:, None] >> np.arange(self.g)[::-1]) % 2 == 1

    @checked
    def controls(self, on: Bool[np.ndarray, "*n K"]) -> Int[np.ndarray, "*n J"]:
        """The control tokens that switch on exactly these constraints, J = K / g."""
        bits = self._sets(on).reshape(*on.shape[:-1], self.slots, self.g)
        return self.V + 2**self.g * np.arange(self.slots) + bits @ 2 ** np.arange(self.g)[::-1]

    @checked
    def active(self, words: Int[np.ndarray, "*n L"]) -> Bool[np.ndarray, "*n K"]:
        """Which constraints the controls at the start of each word switch on.

        Raises `ProcessError` where a word is too short, or has another token than one of slot j in place j.
        """
        if words.shape[-1] < self.slots:
            raise ProcessError(
                f"a word of {words.shape[-1]} tokens has not all {self.slots} controls; read them all first"
            )
        pattern = words[..., : self.slots] - self.V - 2**self.g * np.arange(self.slots)
        if ((pattern < 0) | (pattern >= 2**self.g)).any():
            raise ProcessError(
                f"a control is not of its own slot; slot j holds {self.V} + j {2**self.g} to {self.V} + j "
                f"{2**self.g} + {2**self.g - 1}"
            )
        return self.patterns[pattern].reshape(*words.shape[:-1], self.K)

    @checked
    def allowed(self, on: Bool[np.ndarray, "*n K"]) -> Bool[np.ndarray, "*n V"]:
        """Which body symbols these constraints leave."""
        return self._sets(on).astype(np.float64) @ self.forbids == 0

    def _sets(self, on: Bool[np.ndarray, "*n K"]) -> Bool[np.ndarray, "*n K"]:
        if on.shape[-1] != self.K:
            raise ProcessError(
                f"which constraints are on has shape {on.shape}; the ledger has {self.K} of them, so it must "
                f"be (..., {self.K})"
            )
        return on

    @checked
    def body(self, on: Bool[np.ndarray, "*n K"]) -> Float64[np.ndarray, "*n V"]:
        """Exact distribution of the body symbol given which constraints are on."""
        kept = self.base * self.allowed(on)
        return kept / kept.sum(-1, keepdims=True)

    @checked
    def load(self, on: Bool[np.ndarray, "*n K"]) -> Float64[np.ndarray, "*n"]:
        """-log of the base's mass on the allowed symbols, nats (for the one body symbol); KL(body || base) is
        the same number.
        """
        return np.asarray(np.maximum(0.0, -np.log((self.base * self.allowed(on)).sum(-1))) + 0.0)

    @remembered
    def loads(self) -> Float64[np.ndarray, "K"]:
        """Load of each constraint alone, nats."""
        return self.load(np.eye(self.K, dtype=bool))

    @property
    def interactions(self) -> Float64[np.ndarray, "K K"]:
        """load(j and k) - load(j) - load(k), nats: positive = conflict, negative = shared work; minus load(k)
        on the diagonal.
        """
        alone = np.eye(self.K, dtype=bool)
        return np.stack([self.load(alone | row) for row in alone]) - self.loads - self.loads[:, None]

    @checked
    def draw(self, n: int, rng: np.random.Generator) -> Bool[np.ndarray, "n K"]:
        """Independent sets of constraints, as they are switched on."""
        if n < 0:
            raise ProcessError(f"{n} of them were asked for; give 0 or more")
        return rng.random((n, self.K)) < self.p

    @checked
    def sample(self, n: int, rng: np.random.Generator) -> Int[np.ndarray, "n L"]:
        """Independent words of K / g + 1 tokens, controls and body."""
        on = self.draw(n, rng)
        cumulative = np.where(self.allowed(on), self.base, 0).cumsum(1)
        x = (cumulative <= rng.random((n, 1)) * cumulative[:, -1:]).sum(1)
        return np.column_stack([self.controls(on), x])

    @checked
    def next_token(self, words: Int[np.ndarray, "*n L"]) -> Float64[np.ndarray, "*n vocab"]:
        """Exact distribution of the token after each word of 0 to K / g controls.

        Raises `ProcessError` for a longer word, which has ended, and where `active` does.
        """
        length = words.shape[-1]
        if length > self.slots:
            raise ProcessError(
                f"words of this ledger end after {self.slots + 1} tokens, so nothing follows {length} of them"
            )
        distribution = np.zeros((*words.shape[:-1], self.vocab))
        # The first controls of a word must be right as well; those still to come are filled in as all off.
        rest = self.V + 2**self.g * np.arange(length, self.slots)
        on = self.active(np.concatenate([words, np.broadcast_to(rest, (*words.shape[:-1], len(rest)))], -1))
        if length == self.slots:
            distribution[..., : self.V] = self.body(on)
        else:
            first = self.V + length * 2**self.g
            distribution[..., first : first + 2**self.g] = np.where(self.patterns, self.p, 1 - self.p).prod(1)
        return distribution

    def card(self) -> dict[str, int | float | str]:
        """Plain values: sizes, loads, and means over the distribution of subsets with their standard error
        (over `DRAWN` draws).
        """
        on = self.draw(DRAWN, np.random.default_rng(0))
        load, distribution = self.load(on), self.body(on)
        floor = -(distribution * np.log(np.where(distribution > 0, distribution, 1))).sum(1)
        return {
            "name": self.name,
            "body symbols": self.V,
            "constraints": self.K,
            "control slots": self.slots,
            "vocabulary": self.vocab,
            "least load of one constraint, nats": float(self.loads.min()),
            "largest load of one constraint, nats": float(self.loads.max()),
            "load of all constraints, nats": float(self.load(np.ones(self.K, bool))),
            "mean load, nats": float(load.mean()),
            "standard error of the mean load, nats": float(load.std() / math.sqrt(DRAWN)),
            "loss floor at the body, nats": float(floor.mean()),
            "standard error of the loss floor, nats": float(floor.std() / math.sqrt(DRAWN)),
        }


@checked
def ledger(base, forbids, *, p: float, g: int, name: str | int | float = "ledger") -> Ledger:
    """A ledger from the body's distribution (V,), the 0/1 matrix of forbidden symbols (K, V), P(on) and the
    constraints announced a slot.

    Raises `ProcessError` if `base` is no distribution, shapes disagree, `forbids` is not 0/1, p is no
    probability, g does not divide K, or all constraints together leave no symbol (then so do some subsets of
    positive probability; the message names a smallest part of them that already conflicts: without any one of
    its members a symbol is left).
    """
    given, base, forbids = base, real(base, "the base of a ledger"), binary(forbids, "forbids")
    if base.ndim != 1 or base.min(initial=1) < 0:
        raise ProcessError(
            f"the base of a ledger has shape {base.shape} and least entry {base.min(initial=1):g}; it must "
            "be one distribution on its symbols"
        )
    if abs(base.sum() - 1) > 1e-9:
        raise not_a_distribution(given, f"the base of a ledger has shape {base.shape} and", base.sum(), "it")
    if forbids.ndim != 2 or forbids.shape[1] != len(base) or 0 in forbids.shape:
        raise ProcessError(
            f"forbids has shape {forbids.shape}; it must be 0 or 1, a row a constraint and a column for each "
            f"of {len(base)} symbols"
        )
    if not 0 <= p <= 1:
        raise ProcessError(f"p is {p}; it is the probability of each constraint to be on, from 0 to 1")
    if not 1 <= g <= 16 or len(forbids) % g:
        raise ProcessError(
            f"g is {g}; a slot announces 1 to 16 constraints, and g must divide their number, {len(forbids)}"
        )
    made = Ledger(base, forbids, p, g, str(name))
    conflict = _conflict(made)
    if conflict and p > 0:
        raise ProcessError(
            f"constraints {', '.join(map(str, conflict))} together forbid every symbol (infinite load); "
            "leave one of them out"
        )
    return made


def _conflict(made: Ledger) -> tuple[int, ...]:
    """A minimal set of constraints that forbids every symbol of the base; empty if all of them leave one
    (deletion filter).
    """
    forbids = made.forbids[:, made.base > 0]
    if not forbids.any(0).all():
        return ()
    count, kept = forbids.sum(0), []
    for k, row in enumerate(forbids):
        if (count - row > 0).all():
            count = count - row
        else:
            kept.append(k)
    return tuple(kept)


@checked
def disjoint_ledger(*, K: int, g: int, p: float) -> Ledger:
    """The ledger of K + 1 symbols, equally likely, whose constraint k forbids symbol k + 1; nothing forbids
    symbol 0.

    Raises `ProcessError` unless 1 <= K <= `MOST`, and where `ledger` does.
    """
    if not 1 <= K <= MOST:
        raise ProcessError(f"K is {K}; a ledger by name has 1 to {MOST} constraints")
    name = f"ledger(K={K}, g={g}, p={p:g})"
    return ledger(np.full(K + 1, 1 / (K + 1)), np.eye(K, K + 1, 1), p=p, g=g, name=name)
