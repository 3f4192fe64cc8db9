"""Seeds a second against number of seeds, on whatever device JAX has.

python -m benchmarks.devices                                  1, 2, 4, ..., 4096 seeds of the paper's
                                                              transformer
python -m benchmarks.devices --most 8 --seconds 1 --batch 16  what a small CPU can bear

Seeds a second are networks trained by `toylab run mess3`'s number of steps; nothing depends on this table.
"""

from dataclasses import dataclass

import jax
import tyro
from rich.console import Console
from rich.table import Table

import train
from analysis.recipes import standard

from . import flops
from .training import BATCH, MODEL, Training, recipe


@dataclass(frozen=True)
class Options:
    """Measure training at growing numbers of seeds."""

    most: int = 4096
    """Largest number of seeds."""
    batch: int = BATCH
    """Words per step."""
    seconds: float = 3.0
    """Measured at each number of seeds, compilation not counted."""


def main() -> None:
    """Print the table, a row as soon as it is measured."""
    asked = tyro.cli(Options)
    train.use_all_cores()
    steps, gflop = standard("mess3").steps, flops.training(MODEL, asked.batch) / 1e9
    table = Table(
        "seeds",
        "seed-steps/s",
        f"seeds/s ({steps} steps)",
        "GFLOP/s",
        "beside one seed",
        title=f"{jax.devices()[0].device_kind}, batch {asked.batch}",
    )
    first = None
    for exponent in range(asked.most.bit_length()):
        seeds = 2**exponent
        training = Training(recipe(batch=asked.batch, seeds=seeds), asked.seconds / 3)
        rate = max(training.speed().clock for _ in range(3))
        first = first or rate
        table.add_row(
            str(seeds), f"{rate:.4g}", f"{rate / steps:.3g}", f"{rate * gflop:.4g}", f"{rate / first:.3g}"
        )
        print(f"{seeds} seeds: {rate:.4g} seed-steps/s", flush=True)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
