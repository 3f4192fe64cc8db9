"""Value heads: what beliefs are worth where symbols are rewarded, exactly, and how a head reads it off
features.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float64

import processes

from ..contexts import Contexts
from .baselines import DECOYS
from .probe import moments, probe

DISCOUNT = 0.9
"""Of rewards, a step."""
DELAYS = 8
"""Steps by which a reward is late are sought below this."""
TOLD = 0.2
"""The first delay is taken at which next-token distributions tell at most this part of values, held out."""
VARIES = 1e-6
"""Values that vary by less, as a share of what rewards can come to, are the same everywhere."""
RECTIFIED = 256
"""Random rectified features of a nonlinear head."""


@dataclass(frozen=True, eq=False)
class Values:
    """What is worth how much after every context: symbols are paid `reward` (V,), `delay` steps late."""

    contexts: Contexts
    reward: Float[np.ndarray, "V"]
    delay: int
    discount: float = DISCOUNT

    @cached_property
    def value(self) -> Float64[np.ndarray, "N"]:
        """V(belief), the expected discounted sum of rewards: linear in the belief."""
        return self._by(self.contexts.process, self.contexts.belief)

    @cached_property
    def guess(self) -> Float64[np.ndarray, "N"]:
        """What a guess of the symbol `delay` beyond the next is worth, paid 1 if it is right: the largest of
        V values, each linear in the belief, so that their largest need not be.
        """
        process, symbols = self.contexts.process, np.eye(self.contexts.process.vocab)
        right = [processes.value(process, one, discount=0.0, delay=self.delay) for one in symbols]
        return np.asarray((self.contexts.belief @ np.column_stack(right)).max(1))

    @cached_property
    def wrong(self) -> Float64[np.ndarray, "N k"]:
        """V by the beliefs of observers who take the data for those of random processes of equal entropy
        rate (`processes.decoy`), paid alike.
        """
        decoys = [processes.decoy(self.contexts.process, seed=k) for k in range(DECOYS)]
        return np.column_stack([self._by(decoy, self.contexts.believed(decoy)) for decoy in decoys])

    def _by(self, process: processes.Process, belief: Float64[np.ndarray, "N S"]) -> np.ndarray:
        v = processes.value(process, self.reward, discount=self.discount, delay=self.delay)
        return np.asarray(belief @ v)

    @property
    def varies(self) -> bool:
        """Whether values differ from context to context at all."""
        mean = self.contexts.weight @ self.value
        spread = np.sqrt(self.contexts.weight @ (self.value - mean) ** 2)
        return bool(spread > VARIES * np.ptp(self.reward) / (1 - self.discount))


def read(features: Float[np.ndarray, "N d"], labels: Float64[np.ndarray, "N"], contexts: Contexts) -> float:
    """Held-out R2 of a head that is linear in the features."""
    return probe(moments(features, labels[:, None], contexts)).r2


def beyond_next_token(contexts: Contexts) -> Values | None:
    """Values of the last symbol at the first delay at which next-token distributions hardly tell them (see
    `TOLD`); None where they do at every one, or nothing varies.
    """
    reward = np.eye(contexts.process.vocab)[-1]
    for delay in range(DELAYS):
        found = Values(contexts, reward, delay)
        if found.varies and read(contexts.next_token, found.value, contexts) <= TOLD:
            return found
    return None


def rectified(
    features: Float[np.ndarray, "N d"], contexts: Contexts, *, seed: int = 0
) -> Float64[np.ndarray, "N f"]:
    """Features with random rectified ones at their side, max(0, W x + b), of which a linear head is a
    nonlinear one of the features: W and b are drawn once, and x is centred and scaled to variance 1 in all.

    Each of the new ones is given the variance of a feature, so that one penalty means the same to both.
    """
    x = np.asarray(features, np.float64)
    weight = np.where(contexts.fold >= 0, contexts.weight, 0.0)
    centred = x - weight @ x / weight.sum()
    total = max(float(weight @ (centred**2).sum(1) / weight.sum()), np.finfo(float).tiny)
    rng = np.random.default_rng(seed)
    drawn = centred @ rng.normal(size=(x.shape[1], RECTIFIED)) / np.sqrt(total)
    new = np.maximum(drawn + rng.normal(size=RECTIFIED), 0.0)
    return np.concatenate([x, np.sqrt(total / x.shape[1]) * new], axis=1)
