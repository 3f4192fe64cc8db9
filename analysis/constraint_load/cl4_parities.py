"""How many dimensions the state of a recurrent network gives to r parities that it has to hold at once.

Blocks of 3r fair bits, 2r free ones, then r checks c_i = a_i xor b_i. After the 2r-th bit the state of a
recurrent network is all that it will know of them, so it holds r parities. Factored they need r dimensions;
as 2^r joint classes in general position, 2^r - 1. A transformer could look back at the bits when it needs
them, and would have to hold nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

import toy
import train
from train import Optimiser, Recipe

from ..claim import Setting
from ..instruments.contexts import enumerated
from ..instruments.decompositions.dimensions import dimensions
from ..instruments.evidence import Evidence, observe
from ..instruments.untrained import untrained
from ..recipes import trained

CHECKS = (2, 3, 4)
"""Numbers of parities; of one, r and 2^r - 1 are the same."""


class Parities(NamedTuple):
    """The role of networks that hold r parities."""

    r: int

    def __str__(self) -> str:
        return f"{self.r} parities"


def parity_process(r: int) -> str:
    """The name of the process with r parities."""
    rows = ("".join("1" if t in (i, r + i, 2 * r + i) else "0" for t in range(3 * r)) for i in range(r))
    return f"given(coin; checks {'/'.join(rows)})"


def parity_recipes(setting: Setting) -> Mapping[Parities, Recipe]:
    """Gated recurrent units on 2 to 4 parities, by how many."""
    return {
        Parities(r): trained(
            Recipe(
                parity_process(r),
                toy.RecurrentConfig(vocab=2, n_ctx=3 * r, n_layers=1, d_model=32, cell="gru"),
                "population",
                Optimiser("adam", 1e-2, warmup=50, schedule="cosine"),
                steps=1500,
                batch=None,
                seeds=setting.seeds,
                checkpoints=2,
            ),
            "floor",
        )
        for r in CHECKS
    }


@dataclass(frozen=True, eq=False)
class Held:
    """Networks on parities."""

    dimension: Float[np.ndarray, "*checks seeds"]  # principal axes with 95 % of the variance of class means
    between: Float[np.ndarray, "*checks seeds"]  # share of the variance of states between the 2^r classes
    left: Float[np.ndarray, "*checks seeds"]  # KL to the exact predictor over that of one who knows no parity

    @classmethod
    def stacked(cls, one_by_one: Sequence["Held"]) -> "Held":
        """Several numbers of parities as one record, along a new first axis."""
        return cls(
            np.stack([h.dimension for h in one_by_one]),
            np.stack([h.between for h in one_by_one]),
            np.stack([h.left for h in one_by_one]),
        )


def held(run: train.Run, *, trained: bool = True) -> Held:
    """Measure the networks of a run on `parity_process(r)`, or untrained ones, at the last free bit."""
    config, r = run.recipe.model, run.recipe.model.n_ctx // 3
    what, site = enumerated(run.recipe.ground_truth(), config.n_ctx), config.stream[-1]
    params: toy.Params = run.params() if trained else untrained(run.recipe)
    here = what.length == 2 * r
    bits = what.words[here][:, : 2 * r]
    label = (bits[:, :r] ^ bits[:, r:]) @ 2 ** np.arange(r)
    ignorance = float(np.log(2)) / 3  # nats per token of one who knows no parity

    def one(e: Evidence) -> tuple[float, float, float]:
        dimension, between = spread(e.activations[site][here], label)
        return float(dimension), between, e.excess / ignorance

    rows = [one(e) for e in observe(config, params, what, (site,))]
    return Held(*np.array(rows, np.float64).T)


def spread(states: Float[np.ndarray, "N d"], label: Int[np.ndarray, "N"]) -> tuple[int, float]:
    """Dimensions of the class means, and the share of all variance that lies between classes of equal
    size."""
    x = np.asarray(states, np.float64)
    means = np.stack([x[label == c].mean(0) for c in range(label.max() + 1)])
    total = ((x - x.mean(0)) ** 2).sum(1).mean()
    between = ((means - means.mean(0)) ** 2).sum(1).mean() / total if total > 0 else 0.0
    return dimensions(means, np.ones(len(means)), centred=True), float(between)


def between_factored_and_joint(
    r: Int[np.ndarray, "checks"], dimension: Float[np.ndarray, "checks seeds"]
) -> Float[np.ndarray, "seeds"]:
    """Where dimensions, by number of parities r >= 2, lie on the logarithmic way from r (0) to 2^r - 1 (1).

    sum_r log(D_r / r) / sum_r log((2^r - 1) / r): longer ways, which tell more, weigh more.
    """
    way = np.log((2.0**r - 1) / r).sum()
    return np.asarray(np.log(np.maximum(dimension, 1) / r[:, None]).sum(0) / way)
