"""Questions: words that are no process one could write, but end in symbols whose distributions are exact all
the same, and which alone are learned.
"""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float64, Int


@runtime_checkable
class Question(Protocol):
    """Words of `slots` tokens that ask, then one that answers, or several.

    What a recipe needs to know of its source. `train.samplers` draws its words in a training step.
    """

    @property
    def name(self) -> str:
        """As it is written."""

    @property
    def vocab(self) -> int:
        """Number of tokens."""

    @property
    def slots(self) -> int:
        """Number of tokens that ask, which is also the position from which the answer is predicted plus
        one."""

    @property
    def answers(self) -> int:
        """Number of tokens that answer, each predicted from all before it."""

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of its numbers; never those of another question or of a process."""

    def sample(self, n: int, rng: np.random.Generator) -> Int[np.ndarray, "n L"]:
        """Independent words, L = slots + answers."""

    def next_token(self, words: Int[np.ndarray, "*n L"]) -> Float64[np.ndarray, "*n vocab"]:
        """Exact distribution of the token after each word of 0 to `slots + answers - 1` tokens."""

    def card(self) -> dict[str, int | float | str]:
        """Plain values; names say in which unit."""
