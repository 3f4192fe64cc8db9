"""Ledgers: so many constraints that their joint process could not be written, exact all the same because
beliefs factor over them.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from ..entropy import terms
from ..process import ProcessError
from ..values.checks import checked
from ..values.record import Record, remembered

MOST = 4096
"""Most constraints of a ledger by name: `forbids` is a dense matrix."""
DRAWN = 4096
"""Subsets drawn, always the same, for the means of a card."""


@dataclass(frozen=True, eq=False)
class Ledger(Record):
    """Control slots that switch K constraints on and off, then a body of n symbols that obey those that are
    on.

    Slot j holds token V + j 2^g + pattern, whose g bits, the most significant first, switch constraints j g
    .. j g + g - 1. Without constraints a body repeats its last symbol with probability `stay` and else draws
    one from `base`. With S the constraints that are on, A_S the symbols that none of them forbids, and
    rho_S = stay + (1 - stay) base(A_S), a body that stays within A_S has

        P(x_1 .. x_n | S) = base[x_1] / base(A_S)  prod_t (stay [x_t = x_{t-1}] + (1 - stay) base[x_t]) /
        rho_S

    All rows of the restricted operator have the same sum rho_S, so its Perron vector is constant:
    conditioning on n symbols and conditioning for ever are the same. It is the process of `protocol` for
    constraints on single symbols, read up to the n-th symbol of its body, but that 2^K subsets need no 2^K
    states: the belief is one bit a constraint, and the last symbol. Build one with `ledger`, which checks it.
    """

    base: Float64[np.ndarray, "V"]  # distribution of the body symbol where nothing is on
    forbids: Bool[np.ndarray, "K V"]  # which symbols each constraint forbids
    p: float  # probability of each constraint to be on, independently
    g: int  # constraints that one slot announces
    name: str
    n: int = 1  # symbols of a body
    stay: float = 0.0  # probability that the base repeats its last symbol, beyond that of drawing it again

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
        """Number of control slots, which is also the position from which the first body symbol is predicted
        plus one.
        """
        return self.K // self.g

    @property
    def answers(self) -> int:
        """Number of body symbols, which are all predicted."""
        return self.n

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
        body = "" if self._plain else f", n={self.n}, stay={self.stay!r}"
        return f"ledger(K={self.K}, g={self.g}, p={self.p!r}{body})"

    @property
    def _plain(self) -> bool:
        return (self.n, self.stay) == (1, 0.0)

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of its numbers; never those of a process."""
        body = [] if self._plain else [self.n, self.stay]
        numbers = [np.array([*self.forbids.shape, self.g, self.p, *body]), self.base, self.forbids.ravel()]
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
        """Exact distribution of each body symbol by itself given which constraints are on."""
        kept = self.base * self.allowed(on)
        return kept / kept.sum(-1, keepdims=True)

    @checked
    def after(
        self, on: Bool[np.ndarray, "*n K"], symbol: Int[np.ndarray, "*n"]
    ) -> Float64[np.ndarray, "*n V"]:
        """Exact distribution of the body symbol that follows another, given which constraints are on.

        Raises `ProcessError` where they forbid that other.
        """
        if symbol.shape != on.shape[:-1]:
            raise ProcessError(
                f"there are symbols of shape {symbol.shape} for subsets of shape {on.shape[:-1]}; give "
                "one to each"
            )
        if ((symbol < 0) | (symbol >= self.V)).any():
            raise ProcessError(f"symbols are {symbol}; those of a body are 0 to {self.V - 1}")
        last = np.arange(self.V) == symbol[..., None]
        kept = self.base * self.allowed(on)
        if (kept[last] == 0).any():
            raise ProcessError(
                "a symbol that the constraints forbid, or the base never emits, has no successor"
            )
        return (self.stay * last + (1 - self.stay) * kept) / self._rate(kept)

    def _rate(self, kept: Float64[np.ndarray, "*n V"]) -> Float64[np.ndarray, "*n 1"]:
        """Sum of every row of the restricted operator."""
        return self.stay + (1 - self.stay) * kept.sum(-1, keepdims=True)

    @checked
    def load(self, on: Bool[np.ndarray, "*n K"]) -> Float64[np.ndarray, "*n"]:
        """-log of the base's mass on bodies that are allowed, nats (for all body symbols); KL(body || base)
        is the same number.
        """
        kept = self.base * self.allowed(on)
        later = (self.n - 1) * np.log(self._rate(kept)[..., 0]) if self.n > 1 else 0.0
        return np.asarray(np.maximum(0.0, -np.log(kept.sum(-1)) - later) + 0.0)

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
        """Independent words of K / g + n tokens, controls and body."""
        on = self.draw(n, rng)
        return np.column_stack([self.controls(on), self.bodies(on, rng)])

    @checked
    def bodies(self, on: Bool[np.ndarray, "m K"], rng: np.random.Generator) -> Int[np.ndarray, "m L"]:
        """A body of L = n symbols for each set of constraints."""
        kept = np.where(self.allowed(on), self.base, 0)
        cumulative = kept.cumsum(1)

        def fresh() -> np.ndarray:
            return (cumulative <= rng.random((len(on), 1)) * cumulative[:, -1:]).sum(1)

        body = [fresh()]
        for _ in range(self.n - 1):
            stays = rng.random(len(on)) < self.stay / self._rate(kept)[:, 0]
            body.append(np.where(stays, body[-1], fresh()))
        return np.column_stack(body)

    @checked
    def next_token(self, words: Int[np.ndarray, "*n L"]) -> Float64[np.ndarray, "*n vocab"]:
        """Exact distribution of the token after each word of 0 to K / g controls and up to n - 1 body
        symbols.

        Raises `ProcessError` for a longer word, which has ended, for one that is not allowed, and where
        `active` does.
        """
        length = words.shape[-1]
        if length >= self.slots + self.n:
            raise ProcessError(
                f"words of this ledger end after {self.slots + self.n} tokens, so nothing follows {length} "
                "of them"
            )
        distribution = np.zeros((*words.shape[:-1], self.vocab))
        # The first controls of a word must be right as well; those still to come are filled in as all off.
        rest = self.V + 2**self.g * np.arange(length, self.slots)
        on = self.active(np.concatenate([words, np.broadcast_to(rest, (*words.shape[:-1], len(rest)))], -1))
        for said in range(self.slots, length):  # a body that is not allowed is told here
            follows = self.after(on, words[..., said])
        if length == self.slots:
            distribution[..., : self.V] = self.body(on)
        elif length > self.slots:
            distribution[..., : self.V] = follows
        else:
            first = self.V + length * 2**self.g
            distribution[..., first : first + 2**self.g] = np.where(self.patterns, self.p, 1 - self.p).prod(1)
        return distribution

    def card(self) -> dict[str, int | float | str]:
        """Plain values: sizes, loads, and means over the distribution of subsets with their standard error
        (over `DRAWN` draws).
        """
        on = self.draw(DRAWN, np.random.default_rng(0))
        load, floor = self.load(on), self._floor(on)
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

    def _floor(self, on: Bool[np.ndarray, "m K"]) -> Float64[np.ndarray, "m"]:
        """Entropy of a body symbol given those before it, mean over the n, which are distributed alike."""
        b = self.body(on)
        first = terms(b).sum(1)
        if self.n == 1:
            return first
        rate = self._rate(self.base * self.allowed(on))
        drawn = (1 - self.stay) * self.base * self.allowed(on) / rate
        after = terms(drawn).sum(1, keepdims=True) - terms(drawn) + terms(self.stay / rate + drawn)
        return (first + (self.n - 1) * (b * after).sum(1)) / self.n
