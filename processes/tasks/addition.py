"""Modular addition, of which a part of the sums is taught: what a network says of the others shows whether it
learned to add.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int

from ..process import ProcessError
from ..values.checks import checked
from ..values.record import Record, remembered

MOST = 1024
"""Numbers there can be: a million sums."""


@dataclass(frozen=True)
class Addition(Record):
    """Words (a, b, a + b mod p), of which those of some pairs are taught and the others held out.

    Pairs are held out both ways, (a, b) with (b, a), so that no held-out sum is a taught one turned round.
    What is learned are the words of taught pairs, each as often; `next_token` gives the sum of any pair.
    Build one with `addition`, which checks it.
    """

    p: int  # numbers, 0 to p - 1
    share: float  # of unordered pairs that are taught
    draw: int  # which of the choices of so many

    @property
    def name(self) -> str:
        """As it is written."""
        return f"addition(p={self.p}, share={self.share!r}, draw={self.draw})"

    @property
    def spec(self) -> str:
        """The same, which `source` reads."""
        return self.name

    @property
    def vocab(self) -> int:
        """The numbers."""
        return self.p

    @property
    def slots(self) -> int:
        """Two: what is added."""
        return 2

    @property
    def answers(self) -> int:
        """One: the sum."""
        return 1

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of its numbers; never those of a process or of another question."""
        numbers = np.array([self.p, self.draw], "<i8").tobytes() + np.array([self.share], "<f8").tobytes()
        return hashlib.sha256(b"addition" + numbers).hexdigest()[:12]

    @remembered
    def pairs(self) -> Int[np.ndarray, "P 2"]:
        """All p^2 pairs, in lexicographic order."""
        return np.stack(np.divmod(np.arange(self.p**2), self.p), 1)

    @remembered
    def taught(self) -> Bool[np.ndarray, "P"]:
        """Which of them are taught."""
        a, b = self.pairs.T
        first, second = np.triu_indices(self.p)
        chosen = np.random.default_rng(self.draw).permutation(len(first))[: _taught(self.p, self.share)]
        both = np.zeros((self.p, self.p), bool)
        both[first[chosen], second[chosen]] = True
        return (both | both.T)[a, b]

    @checked
    def sample(self, n: int, rng: np.random.Generator) -> Int[np.ndarray, "n L"]:
        """Independent words of taught pairs, L = 3."""
        if n < 0:
            raise ProcessError(f"{n} words were asked for; give 0 or more")
        pairs = self.pairs[self.taught][rng.integers(int(self.taught.sum()), size=n)]
        return np.column_stack([pairs, pairs.sum(1) % self.p])

    @checked
    def next_token(self, words: Int[np.ndarray, "*n L"]) -> Float64[np.ndarray, "*n vocab"]:
        """Exact distribution of the token after each word of 0 to 2 numbers: what is taught of the first two,
        and the sum of any pair.

        Raises `ProcessError` for a longer word, which has ended, for one that is no number, and after a
        number that no taught pair begins with.
        """
        if words.shape[-1] > 2:
            raise ProcessError(
                f"words of {self.name} end after 3 tokens, so nothing follows {words.shape[-1]} of them"
            )
        if ((words < 0) | (words >= self.p)).any():
            raise ProcessError(f"a word has a token that is no number from 0 to {self.p - 1}")
        if words.shape[-1] == 2:
            return np.eye(self.p)[words.sum(-1) % self.p]
        table = self.taught.reshape(self.p, self.p).astype(float)
        if words.shape[-1] == 0:
            return np.broadcast_to(table.sum(1) / table.sum(), (*words.shape[:-1], self.p)).copy()
        count = table[words[..., 0]]
        if not (count.sum(-1) > 0).all():
            alone = int(words[..., 0][count.sum(-1) == 0].flat[0])
            raise ProcessError(f"no taught pair of {self.name} begins with {alone}; teach a larger share")
        return count / count.sum(-1, keepdims=True)

    def card(self) -> dict[str, int | float | str]:
        """Plain values: how many sums are taught and held out, and what a guess that never looks costs."""
        return {
            "name": self.name,
            "vocabulary": self.p,
            "sums taught": int(self.taught.sum()),
            "sums held out": int((~self.taught).sum()),
            "accuracy of a constant guess": 1 / self.p,
            "entropy of the sum, nats": math.log(self.p),
            "loss floor at the sum, nats": 0.0,
        }


def _taught(p: int, share: float) -> int:
    """How many unordered pairs are taught."""
    return round(share * (p * (p + 1) // 2))


@checked
def addition(*, p: int, share: float, draw: int = 0) -> Addition:
    """Addition modulo p, of which this share of the unordered pairs is taught, drawn by number.

    Raises `ProcessError` unless 2 <= p <= 1024 and draw >= 0, and where no pair, or every one, would be
    taught.
    """
    if not 2 <= p <= MOST:
        raise ProcessError(f"p is {p}; addition is modulo 2 to {MOST}")
    if draw < 0:
        raise ProcessError(f"draw is {draw}; it must be at least 0")
    pairs = p * (p + 1) // 2
    if not 0 < share < 1 or not 0 < _taught(p, share) < pairs:
        raise ProcessError(
            f"share is {share:g}; of the {pairs} pairs of numbers at least one is taught and one held out: "
            "choose it between 0 and 1"
        )
    return Addition(p, share, draw)
