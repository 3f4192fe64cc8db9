"""How fast networks train: beside the machine's peak, beside PyTorch, and to a given KL with either kind of
target.

What is compared is measured in turn, round after round (`benchmarks/speed.py`).
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

import processes
import train
from analysis.recipes import PAPER, standard

from . import flops, peers, time_to_kl
from .speed import Speed, fastest, interleaved, timed
from .table import Row, faster, less

BATCH, SEEDS = 64, 8
MODEL = replace(PAPER, vocab=3)
EPS = float(np.finfo(np.float32).eps)
LOGITS, GRADIENT = 64 * EPS, 1024 * EPS
"""Agreement of float32 models: a logit is a sum along a path of some tens of roundings, a gradient also over
the batch's 640 positions.
"""
FIRST_STEP = """
import sys, time, jax, train
from analysis.report import EXPERIMENTS
train.use_all_cores()
jax.config.update("jax_compilation_cache_dir", sys.argv[1])
begun = time.perf_counter()
next(train.fit(EXPERIMENTS["mess3"].recipe))
print(time.perf_counter() - begun)
"""
"""As `toylab run mess3` comes to its first step, imports not counted."""


class Training:
    """A training of ours that goes on whenever it is asked how fast it is."""

    def __init__(self, recipe: train.Recipe, chunk: float):
        self.seeds, self.reports, self.step = recipe.seeds, train.fit(recipe, report_every=chunk), 0
        for _ in range(8):  # compiles, then finds how many steps fill `chunk` seconds
            self.speed()

    def speed(self) -> Speed:
        """Seed-steps until the next report."""
        return timed(self._on)

    def _on(self) -> int:
        before, self.step = self.step, next(self.reports).step
        return (self.step - before) * self.seeds


def recipe(objective: str = "sampled", batch: int = BATCH, seeds: int = SEEDS) -> train.Recipe:
    """The paper's transformer on Mess3."""
    # Many more steps than are made, so that a training never ends; Adam's work does not depend on its
    # schedule.
    settings = train.Optimiser("adam", learning_rate=1e-3)
    return replace(
        standard("mess3"),
        objective=objective,
        batch=batch,
        seeds=seeds,
        steps=20_000,
        optimiser=settings,
    )


def rows(rounds: int, chunk: float) -> list[Row]:
    """All about training, in chunks of so many seconds; without the peers' environment, without the peers."""
    measures = {f"ours {n}": Training(recipe(seeds=n), chunk).speed for n in (SEEDS, 1)}
    measures |= {"peak NumPy": lambda: timed(flops.peak_numpy), "peak XLA": lambda: timed(flops.peak_xla)}
    if not peers.PYTHON.exists():
        print(
            "the PyTorch peers are not there (`make peers` gets them), so nothing is compared with them",
            file=sys.stderr,
        )
        return _arithmetic(interleaved(measures, rounds))
    with tempfile.TemporaryDirectory() as folder:
        words = peers.draw(processes.named("mess3"), 256, BATCH, MODEL.n_ctx)
        np.save(tokens := Path(folder) / "tokens.npy", words)
        with peers.started(MODEL, tokens) as both:
            apart = peers.disagreement(both[0], MODEL, words[0], Path(folder))
            best = interleaved(measures | _peers(both, chunk), rounds)
    return [*_arithmetic(best), *_beside_torch(best), *_same_model(apart)]


def _peers(both: tuple[peers.Peer, peers.Peer], chunk: float) -> dict[str, Callable[[], Speed]]:
    """Every way in which PyTorch may use two cores; the best counts."""
    one = both[0]
    measures: dict[str, Callable[[], Speed]] = {}
    for model in peers.MODELS:
        measures[f"{model} {SEEDS}: two processes"] = partial(
            peers.side_by_side, both, model, seeds=SEEDS, seconds=chunk
        )
        for n in (SEEDS, 1):
            measures[f"{model} {n}: two threads"] = partial(
                peers.in_turn, one, model, seeds=n, threads=2, seconds=chunk
            )
        measures[f"{model} 1: one thread"] = partial(
            peers.in_turn, one, model, seeds=1, threads=1, seconds=chunk
        )
    return measures | {f"peak PyTorch, threads: {n}": partial(peers.peak, one, flops.SIZE, n) for n in (1, 2)}


def _arithmetic(best: Mapping[str, Speed]) -> list[Row]:
    each = flops.training(MODEL, BATCH) / 1e9
    peak, library = fastest(best, "peak ")
    out = []
    for n, target in ((SEEDS, 0.5), (1, None)):
        ours, what = best[f"ours {n}"], f"training step, batch {BATCH}, {n} seed{'s' * (n > 1)}"
        out.append(
            faster(
                what,
                each * ours.clock,
                "GFLOP/s",
                f"float32 peak, {library}",
                peak.clock,
                target,
                each * ours.core / peak.core,
            )
        )
    return out


def _beside_torch(best: Mapping[str, Speed]) -> list[Row]:
    out = []
    for n, target in ((SEEDS, 3.5), (1, 1.5)):
        for model, name in zip(peers.MODELS, ("TransformerLens", "plain PyTorch"), strict=True):
            ours, (theirs, how) = best[f"ours {n}"], fastest(best, f"{model} {n}: ")
            what = f"training beside {name}, {n} seed{'s' * (n > 1)}"
            out.append(
                faster(
                    what,
                    ours.clock,
                    "seed-steps/s",
                    f"{name}, {how}",
                    theirs.clock,
                    target,
                    ours.core / theirs.core,
                )
            )
    return out


def _same_model(apart: Mapping[str, float]) -> list[Row]:
    limit = {name: GRADIENT if name.endswith("gradient") else LOGITS for name in apart}
    return [
        less(f"our weights in PyTorch: {name}", value, "apart", "float32 rounding", limit[name], 1.0)
        for name, value in apart.items()
    ]


def to_kl(rounds: int, chunk: float) -> list[Row]:
    """Training of eight networks to KL 1e-4 on all cores, from the recorded trials and today's speed."""
    found = {
        objective: time_to_kl.cheapest(objective, time_to_kl.trials())
        for objective in ("expected", "sampled")
    }
    mine, theirs = found["expected"], found["sampled"]
    if mine is None or theirs is None or not mine["reached"]:
        return []
    speed = interleaved(
        {t["objective"]: Training(recipe(t["objective"], t["batch"]), chunk).speed for t in (mine, theirs)},
        rounds,
    )
    clock, core = (
        {t["objective"]: SEEDS * t["steps"] / getattr(speed[t["objective"]], kind) for t in (mine, theirs)}
        for kind in Speed._fields
    )
    how = f"sampled, {theirs['steps']} steps of {theirs['batch']}"
    how += "" if theirs["reached"] else f", still at {theirs['median']:.1e}: a lower bound"
    row = less("8 seeds to KL 1e-4 on Mess3, expected", clock["expected"], "s", how, clock["sampled"], 20.0)
    return [replace(row, core_ratio=core["sampled"] / core["expected"])]


def compiling(rate: float) -> list[Row]:
    """Seconds to the first step of `toylab run mess3`, without and with its compiled program at hand, beside
    what each serves or saves.

    `rate`: seed-steps a second at the batch of these benchmarks.
    """
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = (_first_step(cache) for _ in range(2))
        warm = min(warm, _first_step(cache))
    mess3 = standard("mess3")
    training = mess3.seeds * mess3.steps * mess3.batch / BATCH / rate
    return [
        less("compiling, cold", cold, "s", "the training it is for", training),
        less("compiling, warm", warm, "s", "cold", cold),
    ]


def _first_step(cache: str) -> float:
    command = [sys.executable, "-c", FIRST_STEP, cache]
    return float(
        subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout
    )
