"""What a sweep keeps of a recipe: what was measured on its run, or why there is none."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

from toy.sites import shown

from ..errors import Busy, RunError
from ..fit import Progress
from ..recipe import Recipe
from ..runs.run import Run, obtain, open_run


class Measured(NamedTuple):
    """One quantity, measured on every network of a run."""

    value: Float64[np.ndarray, "seeds"]  # NaN where it is not defined
    unit: str


Measure = Callable[[Run], Mapping[str, Measured]]


class Outcome(NamedTuple):
    """What a sweep keeps of a run."""

    measured: Mapping[str, Measured] = {}
    diverged: tuple[int, ...] = ()  # networks, from 0, that ended without a finite loss
    seconds: float | None = None  # of training in this call; None for a run that was found finished
    error: str = ""  # why there is no run


class Status(NamedTuple):
    """Where a sweep is: what an observer may see."""

    done: int  # recipes
    total: int
    training: Mapping[
        str, tuple[int, float]
    ]  # step and mean excess in nats, by hash of the recipes in training
    finished: tuple[str, Outcome] | None = None  # the recipe, by hash, that has just come to its end
    workers: int | None = None  # of the cluster; None on this machine
    retried: int = 0  # recipes begun again because their worker was lost


def at_the_end(run: Run) -> dict[str, Measured]:
    """Loss and excess over the exact predictor, nats per token: means over the last hundredth of the
    steps."""
    last = max(1, run.recipe.steps // 100)
    return {
        f"training_{name}": Measured(values[:, -last:].mean(1, dtype=np.float64), "nats")
        for name, values in run.history().items()
    }


def outcome(recipe: Recipe, store: Path, measure: Measure, watch: Callable[[Progress], None]) -> Outcome:
    """Train a recipe, unless the store holds its run, and measure it; any error is part of the outcome.
    Raises `Busy`, though.
    """
    began = trained = time.monotonic()

    def seen(progress: Progress) -> None:
        nonlocal trained
        trained = time.monotonic()
        watch(progress)

    try:
        path = store / recipe.hash
        if (path / "recipe.json").exists() and not (begun := open_run(path)).finished and begun.other_bits:
            open_run(
                path, recipe, fresh=True
            )  # begun on another kind of worker, it cannot go on here with the same bits
        run = obtain(recipe, store, seen)
        diverged = np.flatnonzero(~np.isfinite(run.history()["excess"][:, -1]))
        return Outcome(
            _checked(measure(run), recipe.seeds),
            tuple(diverged.tolist()),
            trained - began if trained > began else None,
        )
    except Busy:
        raise
    except Exception as error:  # one recipe that fails, in whatever way, must not cost the others
        ours = isinstance(error, ValueError) and type(error).__module__.split(".")[0] in (
            "processes",
            "toy",
            "train",
            "analysis",
        )
        return Outcome(error=str(error) if ours else f"{type(error).__name__}: {error}")


def _checked(measured: Any, seeds: int) -> Mapping[str, Measured]:
    """What a measure gave. Raises `RunError` unless it is one value a network under each name."""
    good = isinstance(measured, Mapping) and all(
        isinstance(m, Measured) and np.shape(m.value) == (seeds,) for m in measured.values()
    )
    if not good:
        raise RunError(
            f"measure returned {shown(measured)}; it must return "
            f"{{name: Measured(values of shape ({seeds},), unit)}}"
        )
    return measured
