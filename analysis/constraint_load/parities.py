"""How many dimensions the state of a recurrent network gives to r parities that it has to hold at once.

Blocks of 3r fair bits: 2r free ones, then r checks c_i = a_i xor b_i. After the 2r-th bit the state of a
recurrent network is all that it will know of them, so it holds r parities. Factored they need r dimensions;
as 2^r joint classes in general position, 2^r - 1. A transformer could look back at the bits when it needs
them, and would have to hold nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

import toy
import train

from ..instruments.contexts import enumerated
from ..instruments.evidence import Evidence, observe
from ..instruments.untrained import untrained
from .bottleneck import dimensions


def parity_process(r: int) -> str:
    """The name of the process with r parities."""
    rows = ("".join("1" if t in (i, r + i, 2 * r + i) else "0" for t in range(3 * r)) for i in range(r))
    return f"given(coin; checks {'/'.join(rows)})"


@dataclass(frozen=True, eq=False)
class Held:
    """Networks on r parities."""

    dimension: Float[
        np.ndarray, "seeds"
    ]  # principal axes with 95 % of the variance between the means of the 2^r classes
    between: Float[np.ndarray, "seeds"]  # share of the variance of states that is between classes
    left: Float[np.ndarray, "seeds"]  # KL to the exact predictor over that of one who knows no parity


def held(run: train.Run, *, trained: bool = True) -> Held:
    """Measure the networks of a run on `parity_process(r)`, or untrained ones, at the last free bit."""
    config, r = run.recipe.model, run.recipe.model.n_ctx // 3
    what, site = enumerated(run.recipe.ground_truth(), config.n_ctx), config.stream[-1]
    params: toy.Params = run.params() if trained else untrained(run.recipe)
    here = what.length == 2 * r
    bits = what.words[here][:, : 2 * r]
    label = (bits[:, :r] ^ bits[:, r:]) @ 2 ** np.arange(r)
    rows = [
        _one(e, here, label, ignorance=float(np.log(2)) / 3) for e in observe(config, params, what, (site,))
    ]
    return Held(*np.array(rows, np.float64).T)


def _one(e: Evidence, here: np.ndarray, label: np.ndarray, ignorance: float) -> tuple[float, float, float]:
    (activations,) = e.activations.values()
    dimension, between = spread(activations[here], label)
    return float(dimension), between, e.excess / ignorance


def spread(states: np.ndarray, label: np.ndarray) -> tuple[int, float]:
    """Dimensions of the class means, and the share of all variance that lies between classes of equal
    size."""
    x = np.asarray(states, np.float64)
    means = np.stack([x[label == c].mean(0) for c in range(label.max() + 1)])
    total = ((x - x.mean(0)) ** 2).sum(1).mean()
    between = ((means - means.mean(0)) ** 2).sum(1).mean() / total if total > 0 else 0.0
    return dimensions(means, np.ones(len(means)), centred=True), float(between)


def between_factored_and_joint(
    dimension: Mapping[int, Float[np.ndarray, "seeds"]],
) -> Float[np.ndarray, "seeds"]:
    """Where dimensions, by number of parities r >= 2, lie on the logarithmic way from r (0) to 2^r - 1 (1).

    sum_r log(D_r / r) / sum_r log((2^r - 1) / r): longer ways, which tell more, weigh more.
    """
    way = sum(np.log((2**r - 1) / r) for r in dimension)
    return np.asarray(sum(np.log(np.maximum(D, 1) / r) for r, D in dimension.items()) / way)
