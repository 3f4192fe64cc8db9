"""How fast networks train: beside the machine's peak, beside PyTorch, and to a given KL with either kind of
target.

What is compared is measured in turn, round after round (`benchmarks/speed.py`).
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import processes
import train
from analysis.recipes import PAPER, standard
from train.machine.environment import cpu

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
BESIDE = {
    ("TransformerLens", SEEDS): 3.5,
    ("TransformerLens", 1): 3.5,
    ("plain PyTorch", SEEDS): 1.75,
    ("plain PyTorch", 1): 1.25,
}
"""How many times faster than a peer with so many seeds is wanted."""
COMPILING = 4.0
"""Seconds that a user should wait for the first step at most, with no compiled program at hand."""
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
    for n, target in ((SEEDS, 0.5 if "avx512f" in cpu() else 0.6), (1, None)):
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
    for n in (SEEDS, 1):
        for model, name in zip(peers.MODELS, ("TransformerLens", "plain PyTorch"), strict=True):
            target = BESIDE[name, n]
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
    """Training of eight networks until they have learned, on all cores, from the recorded trials and today's
    speed: beside TransformerLens on sampled tokens, or, without the peers' environment, beside ourselves on
    these.
    """
    found = {
        process: (
            time_to_kl.cheapest(process, ("expected", "population"), time_to_kl.trials()),
            time_to_kl.cheapest(process, ("sampled",), time_to_kl.trials()),
        )
        for process in time_to_kl.TARGETS
    }
    pairs = {process: (mine, theirs) for process, (mine, theirs) in found.items() if mine and theirs}
    measures: dict[str, Callable[[], Speed]] = {
        f"{process} {which}": Training(_endless(trial), chunk).speed
        for process, pair in pairs.items()
        for which, trial in zip(("ours", "sampled"), pair, strict=True)
    }
    with contextlib.ExitStack() as open_peers, tempfile.TemporaryDirectory() as folder:
        lens = peers.PYTHON.exists()
        if lens:
            words = peers.draw(processes.named("mess3"), 256, BATCH, MODEL.n_ctx)
            np.save(tokens := Path(folder) / "tokens.npy", words)
            both = open_peers.enter_context(peers.started(MODEL, tokens))
            theirs = _peers(both, chunk)
            measures |= {
                name: measure for name, measure in theirs.items() if name.startswith(f"hooked {SEEDS}")
            }
        speed = interleaved(measures, rounds)
    return [
        _until_learned(process, mine, theirs, speed, lens)
        for process, (mine, theirs) in pairs.items()
        if mine["reached"]
    ]


def _endless(trial: Mapping[str, Any]) -> train.Recipe:
    """The recipe of a trial with eight seeds, and more steps than are made."""
    names = ("process", "objective", "learning_rate", "batch", "optimiser", "momentum")
    return time_to_kl.Trial(
        **{name: trial[name] for name in names if name in trial}, steps=20_000, seeds=SEEDS
    ).recipe


def _until_learned(
    process: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], speed: Mapping[str, Speed], lens: bool
) -> Row:
    ours, sampled = speed[f"{process} ours"], speed[f"{process} sampled"]
    beside, how = (fastest(speed, f"hooked {SEEDS}: ")) if lens else (sampled, "ours")
    told = f"{'TransformerLens, ' if lens else ''}{how}, {theirs['steps']} steps of {theirs['batch']} sampled"
    told += "" if theirs["reached"] else f", still at {theirs['median']:.1e}: a lower bound"
    what = f"8 seeds to KL {time_to_kl.TARGETS[process]:.0e} on {process}"
    clock, core = (
        [SEEDS * trial["steps"] / getattr(one, kind) for trial, one in ((mine, ours), (theirs, beside))]
        for kind in Speed._fields
    )
    return replace(less(what, clock[0], "s", told, clock[1], 40.0), core_ratio=core[1] / core[0])


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
        less("first step of run mess3, cold", cold, "s", "limit fixed beforehand", COMPILING, 1.0),
        less("compiling, cold", cold, "s", "the training it is for", training),
        less("compiling, warm", warm, "s", "cold", cold),
    ]


def _first_step(cache: str) -> float:
    command = [sys.executable, "-c", FIRST_STEP, cache]
    return float(
        subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ)).stdout
    )
