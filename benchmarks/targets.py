"""Speed and quality, each figure beside its ceiling or peer, as one table.

    make bench                                   the quick ones (minutes); PyTorch beside them after `make
                                                 peers`
    python -m benchmarks.targets --experiments   also the experiments, cold: no compiled programs, no earlier
                                                 run

Each figure is the best of a few tries: other work on the machine can only make it worse. A run on unchanged
files is added to docs/benchmarks.jsonl with its commit.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
import tyro
from rich.console import Console

import processes
import train

from . import experiments, flops, training
from .experiments import LIMIT
from .speed import Bystanders
from .table import Row, commit, faster, less, record, show

CHUNK = 0.5
"""Seconds of a measure in a round: many short ones find the machine's quiet moments."""


def best(f: Callable[[], object], tries: int = 5) -> float:
    """Seconds of the fastest try."""
    times = []
    for _ in range(tries):
        begun = time.perf_counter()
        f()
        times.append(time.perf_counter() - begun)
    return min(times)


def tree_rate() -> float:
    """Million nodes a second, Mess3 to depth 12."""
    process = processes.named("mess3")
    n = len(processes.prefix_tree(process, 12))
    return n / best(lambda: processes.prefix_tree(process, 12)) / 1e6


def filtering_seconds() -> float:
    """Beliefs after each of 10^7 tokens of Mess3, 100 words of 10^5."""
    process = processes.named("mess3")
    words = processes.sample(process, (100, 100_000), np.random.default_rng(0))
    return best(lambda: processes.filter(process, words), 3)


def sampling_rate() -> float:
    """Million tokens a second, batch 16384, length 10."""
    tables = train.tables(processes.named("mess3"))
    draw = jax.jit(lambda key: train.sample(tables, key, 16384, 10))
    key = jax.random.key(0)
    draw(key).block_until_ready()
    return 163.84e3 / best(lambda: draw(key).block_until_ready(), 50) / 1e6


def uniform_rate() -> float:
    """The ceiling of sampling: only the uniform numbers that it draws, million tokens a second."""
    draw = jax.jit(lambda key: jax.random.uniform(key, (11, 16384)))
    key = jax.random.key(0)
    draw(key).block_until_ready()
    return 163.84e3 / best(lambda: draw(key).block_until_ready(), 50) / 1e6


def probe_seconds() -> float:
    """One layer of 64 features, Mess3 to depth 8 (9840 contexts), fitted and scored, with 1000 refitted
    shuffles.
    """
    from analysis.instruments.contexts import contexts
    from analysis.instruments.probing.label_shuffles import shuffled_r2
    from analysis.instruments.probing.probe import moments, probe

    t = contexts(processes.named("mess3"), 8)
    rng = np.random.default_rng(0)
    x = t.belief @ rng.normal(size=(3, 64)) + 0.3 * rng.normal(size=(len(t.weight), 64))

    def everything():
        m = moments(x, t.belief, t)
        probe(m)
        shuffled_r2([x], [m], t.belief, t, n=1000)

    return best(everything, 3)


def card_seconds() -> float:
    """`toylab process rrxor`, a process of its own, from call to exit."""
    command = [sys.executable, "-m", "analysis", "process", "rrxor"]
    return best(lambda: subprocess.run(command, check=True, capture_output=True), 3)


def quick() -> list[Row]:
    """Ground truth, sampling, probes, the card: each beside its ceiling or a limit fixed beforehand."""
    sampling = sampling_rate()
    return [
        faster("prefix tree, Mess3 to depth 12", tree_rate(), "M nodes/s", LIMIT, 3.0, 1.0),
        less("filtering 10^7 tokens of Mess3", filtering_seconds(), "s", LIMIT, 2.0, 1.0),
        faster("sampling, batch 16384, length 10", sampling, "M tokens/s", LIMIT, 10.0, 1.0),
        faster(
            "sampling beside its random numbers",
            sampling,
            "M tokens/s",
            "uniform numbers alone",
            uniform_rate(),
        ),
        less("probe of 64 features on 9840 contexts, 1000 shuffles", probe_seconds(), "s", LIMIT, 2.0, 1.0),
        less("toylab process rrxor, cold", card_seconds(), "s", LIMIT, 1.0, 1.0),
    ]


@dataclass(frozen=True)
class Options:
    """Measure speed and quality, each figure beside its ceiling or peer; exit status 1 if a target is
    missed."""

    experiments: bool = False
    """Also run the experiments cold, to the floor and sharply (a quarter of an hour)."""
    record: bool = False
    """Keep the figures in docs/benchmarks.jsonl although files are changed; the commit is then marked with a
    plus.
    """
    rounds: int = 12
    """How often what is compared is measured in turn."""


def main() -> int:
    """Print the table; keep it if the figures are a commit's."""
    asked = tyro.cli(Options)
    train.use_all_cores()
    bystanders = Bystanders()
    rows = training.rows(asked.rounds, CHUNK) + training.to_kl(asked.rounds, CHUNK)
    rows += training.compiling(rows[0].value / flops.training(training.MODEL, training.BATCH) * 1e9) + quick()
    if asked.experiments:
        rows += [row for asked in experiments.COMMANDS for row in experiments.rows(asked)]
    others = bystanders.share()
    show(rows, Console(width=180))
    print(f"other processes took {others:.0%} of the machine meanwhile")
    if asked.record or commit()[1]:
        record(rows, others)
    else:
        print("not kept: files are changed (--record keeps it all the same)")
    return 0 if all(r.met for r in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
