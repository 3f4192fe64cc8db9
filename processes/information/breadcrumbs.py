"""What it costs to remember nothing but one's last prediction: the breadcrumb price of a process."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from ..entropy import entropy
from ..filter import predict
from ..process import Process, ProcessError
from ..structure.belief_distribution import alike
from ..values.checks import checked
from ..values.record import Record
from .rates import h

EQUAL = 1e-10
"""Next-symbol distributions that agree to this in every component are one: they come out of a few hundred
float64 operations, and merging nearer ones than that costs less than any network could tell.
"""


@dataclass(frozen=True, eq=False)
class Breadcrumbs(Record):
    """The best predictor whose memory is greedy: after each symbol it keeps the distribution that it forms of
    the next one, and nothing else (formula: this lab's, after Wu et al. 2024).

    Its memory after t symbols is a class of words. Words of one class that end in the same new symbol stay
    together; classes that predict alike are merged, for ever, whatever they would have meant for later
    symbols. Position t - 1 has read t symbols.
    """

    excess: Float64[np.ndarray, "T"]  # over the exact predictor at each position, nats
    classes: Int[np.ndarray, "T"]  # how many distributions there are to keep
    worth: (
        float  # what contexts are worth, nats per symbol: the loss of who knows none of them, less the floor
    )

    @property
    def price(self) -> float:
        """Mean excess as a share of what contexts are worth: 0 where greedy memories suffice, 1 where they
        are worth nothing. 0 where contexts are.
        """
        return float(self.excess.mean() / self.worth) if self.worth > WORTHLESS else 0.0


WORTHLESS = 1e-12
"""Nats per symbol that are rounding."""


@checked
def breadcrumbs(process: Process, n_ctx: int, *, most: int = 2_000_000) -> Breadcrumbs:
    """The greedy predictor of a process at each of `n_ctx` positions, exactly.

    Mean beliefs of classes are linear in those of words, so a class is its probability and its mean belief.
    Raises `ProcessError` if `n_ctx` is less than 1, or if there are over `most` classes, as where infinitely
    many distributions are told apart.
    """
    if n_ctx < 1:
        raise ProcessError(f"n_ctx is {n_ctx}; it must be at least 1")
    flat = process.T.transpose(1, 0, 2).reshape(process.n_states, -1)
    joint = process.start[None]  # P(class, state)
    losses, classes, mean = np.empty(n_ctx), np.empty(n_ctx, np.int64), np.zeros(process.vocab)
    for t in range(n_ctx):
        if len(joint) * process.vocab > most:
            raise ProcessError(
                f"{process.name} has over {most} classes of words after {t + 1} symbols; ask for an n_ctx of "
                f"{t} or less"
            )
        longer = (joint @ flat).reshape(-1, process.n_states)
        mass = longer @ process.w
        longer, mass = longer[mass > process.zero], mass[mass > process.zero]
        kept = alike(predict(process, longer / mass[:, None]), EQUAL)
        joint = np.zeros((kept.max() + 1, process.n_states))
        np.add.at(joint, kept, longer)
        joint = joint[np.unique(kept)]  # `alike` may leave numbers out
        mass = joint @ process.w
        predicted = predict(process, joint / mass[:, None])
        losses[t], classes[t] = mass @ entropy(predicted), len(joint)
        mean += mass @ predicted / n_ctx
    floor = h(process, n_ctx + 1)[1:]
    return Breadcrumbs((losses - floor).clip(0), classes, float(entropy(mean) - floor.mean()))
