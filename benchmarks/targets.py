"""Speed and quality targets, measured and printed as one table.

    python -m benchmarks.targets                 the quick ones (seconds)
    python -m benchmarks.targets --experiments   also both experiments, cold: no compiled programs, no earlier run (minutes)

Each figure is the best of a few tries: other work on the machine can only make it worse.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import processes


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
    import jax

    import train

    tables = train.tables(processes.named("mess3"))
    draw = jax.jit(lambda key: train.sample(tables, key, 16384, 10))
    key = jax.random.key(0)
    draw(key).block_until_ready()
    return 163.84e3 / best(lambda: draw(key).block_until_ready(), 50) / 1e6


def probe_seconds() -> float:
    """One layer of 64 features, Mess3 to depth 8 (9840 contexts), fitted and scored, with 1000 refitted shuffles."""
    from analysis.probe import moments, probe, shuffled_r2
    from analysis.truth import truth

    t = truth(processes.named("mess3"), 8)
    rng = np.random.default_rng(0)
    x = t.belief @ rng.normal(size=(3, 64)) + 0.3 * rng.normal(size=(len(t.weight), 64))

    def everything():
        m = moments(x, t.belief, t)
        probe(m)
        shuffled_r2([x], [m], t.belief, t, n=1000)

    return best(everything, 3)


def card_seconds() -> float:
    """`toylab process rrxor`, a process of its own, from call to exit."""
    command = [sys.executable, "-m", "analysis.cli", "process", "rrxor"]
    return best(lambda: subprocess.run(command, check=True, capture_output=True), 3)


def experiment(name: str) -> tuple[float, float]:
    """Seconds from call to verdict with nothing cached, and the largest KL to the exact predictor over seeds."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "XDG_CACHE_HOME": folder}
        out = Path(folder) / "run"
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "analysis.cli", "run", name, "--out", str(out)], check=True, capture_output=True, env=env)
        seconds = time.perf_counter() - begun
        return seconds, max(json.loads((out / "report.json").read_text())["excess"]["trained"])


def main(argv: list[str]) -> int:
    """Print the table; status 1 if a target is missed."""
    rows = [
        ("prefix tree, Mess3 to depth 12", "M nodes/s", tree_rate(), 3.0, True),
        ("filtering 10^7 tokens of Mess3", "s", filtering_seconds(), 2.0, False),
        ("sampling, batch 16384, length 10", "M tokens/s", sampling_rate(), 10.0, True),
        ("probe of 64 features on 9840 contexts, 1000 shuffles", "s", probe_seconds(), 2.0, False),
        ("toylab process rrxor, cold", "s", card_seconds(), 1.0, False),
    ]
    if "--experiments" in argv:
        for name, limit, quality in (("mess3", 120.0, 4e-4), ("rrxor", 240.0, 3e-4)):
            seconds, kl = experiment(name)
            rows += [(f"toylab run {name}, cold to verdict", "s", seconds, limit, False), ("  largest KL over 8 seeds", "nats", kl, quality, False)]
    table = Table("what", "measured", "target", "")
    missed = 0
    for what, unit, value, target, more_is_better in rows:
        met = value >= target if more_is_better else value <= target
        missed += not met
        table.add_row(what, f"{value:.3g} {unit}", f"{'≥' if more_is_better else '≤'} {target:g}", "met" if met else "missed")
    Console(width=110).print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
