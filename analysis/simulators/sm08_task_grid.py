"""Tasks of a mixture that are pairs of attributes: the grid they lie in, and whether what stands for them is
additive or a direction for each.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

import processes
from processes import Mixture, Product

from ..instruments.contexts import Contexts


class Grid(NamedTuple):
    """Which value of each of two attributes a component has."""

    row: Int[np.ndarray, "K"]
    column: Int[np.ndarray, "K"]

    @property
    def shape(self) -> tuple[int, int]:
        """How many values each attribute has."""
        return int(self.row.max()) + 1, int(self.column.max()) + 1


def grid_of(mixture: Mixture) -> Grid | None:
    """The grid of a mixture each component of which is a product of two processes, of two or more firsts and
    seconds, in every combination once; None where it is none.
    """
    made = [c.made_of for c in mixture.components]
    pairs = [p.factors for p in made if isinstance(p, Product) and len(p.factors) == 2]
    if len(pairs) < len(made):
        return None
    row, column = (_numbered([pair[i] for pair in pairs]) for i in range(2))
    grid = Grid(row, column)
    a, b = grid.shape
    every = len({(int(i), int(j)) for i, j in zip(row, column, strict=True)}) == len(made) == a * b
    return grid if every and min(a, b) > 1 else None


def _numbered(factors: list[processes.Process]) -> np.ndarray:
    first: dict[str, int] = {}
    return np.array([first.setdefault(p.digest, len(first)) for p in factors])


def additive_share(means: Float[np.ndarray, "K m"], grid: Grid) -> float:
    """Share of the variance of task means that a sum of one vector for each value of each attribute explains:
    of one-hots on an a x b grid (a + b - 2) / (ab - 1). 1 where nothing varies.
    """
    table = np.zeros((*grid.shape, means.shape[1]))
    table[grid.row, grid.column] = means
    table = table - table.mean((0, 1))
    total = np.square(table).sum()
    rest = table - table.mean(0) - table.mean(1)[:, None]
    return float(1 - np.square(rest).sum() / total) if total > 0 else 1.0


def one_hotness(means: Float[np.ndarray, "K m"], grid: Grid) -> float:
    """How far task means are from a sum over attributes (0) to a direction for each task (1)."""
    a, b = grid.shape
    return (1 - additive_share(means, grid)) / (1 - (a + b - 2) / (a * b - 1))


def task_means(x: Float[np.ndarray, "N m"], t: Contexts, mixture: Mixture) -> Float[np.ndarray, "K m"]:
    """Mean of features over the longest words of each component, as probable as it makes them."""
    last = t.length == t.n_ctx
    weight = t.weight[last, None] * mixture.posterior(t.belief[last]).clip(0)
    return np.asarray((weight / weight.sum(0)).T @ np.asarray(x[last], np.float64))
