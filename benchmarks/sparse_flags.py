"""Do networks keep more flags than dimensions where few are on at a time? Transformers of one block read a
ledger's flags, rare ones and frequent ones, and are asked which of them are on.

    python -m benchmarks.sparse_flags                  four rates, six loads, networks of sixteen dimensions
    python -m benchmarks.sparse_flags --steps 16000    the same, trained four times as long

A line a rate is added to docs/sparse_flags.jsonl, and the table of docs/mechanisms.md and its figure are made
anew. Runs are kept in a store, so that a call that was stopped goes on.

The null is the linear bottleneck, a linear map to so many dimensions and the best linear map back
(`constraint_load.bottleneck`). Flags are told by one threshold for all of them, the best there is, on what a
network gives the symbol that each forbids, and accuracy is balanced over flags that are on and off, so that
chance is a half however rare they are. The null, at its best threshold, tells Phi(sqrt(d / (k - d)) / (2
sqrt(p (1 - p)))) of them right. The critical load is that at which accuracy is .9, by lines between the
logarithms of loads.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from scipy.special import ndtr, ndtri

import train
from analysis.claim import Setting
from analysis.constraint_load.ledger_design import Grid
from analysis.constraint_load.ledger_grid import free_dimensions, ledger_of
from analysis.constraint_load.load_curves import CRITICAL
from analysis.figures.style import BLACK, BLUE, GREEN, NULL, VERMILION, figure, style
from analysis.instruments.forward import forward, log_distribution
from processes.constraints import Ledger

from .asked import one_of
from .table import ROOT, commit, filled, keep, kept

HISTORY, PAGE = ROOT / "docs" / "sparse_flags.jsonl", ROOT / "docs" / "mechanisms.md"
FIGURE = ROOT / "docs" / "figures" / "sparse_flags.png"
LOADS = {0.5: (1.0, 1.5, 2.0, 3.0), 0.2: (1.0, 1.5, 2.0, 3.0, 4.0)}
LOADS |= {0.1: (1.0, 1.5, 2.0, 3.0, 4.0, 6.0), 0.05: (1.0, 1.5, 3.0, 4.0, 6.0, 8.0)}
"""Flags a dimension of the stream, by the share of the time for which each is on: around where the null is at
nine of ten.
"""
WORDS = 8192
"""Drawn words on which networks are judged."""


@dataclass(frozen=True)
class Options:
    """How many flags do networks keep, by how often flags are on?"""

    rates: tuple[float, ...] = tuple(LOADS)
    """Shares of the time for which a flag is on, of those in `LOADS`."""
    d_model: int = 16
    """Dimensions of the stream."""
    steps: int = 4000
    """Of 32 words, by Muon, a cosine."""
    networks: int = 4
    """Of every rate and load, side by side."""
    store: Annotated[Path, tyro.conf.arg(help="Folder of runs.")] = Path("runs")


def null(load: np.ndarray, rate: float) -> np.ndarray:
    """Share of flags told right by a linear bottleneck, k / d flags a dimension."""
    s = 1 / np.sqrt(np.maximum(load - 1, 1e-12)) / (2 * np.sqrt(rate * (1 - rate)))
    return np.where(load > 1, ndtr(s), 1.0)


def critical_of_null(rate: float) -> float:
    """Flags a dimension of which a linear bottleneck tells `CRITICAL` right."""
    return float(1 + 1 / (4 * rate * (1 - rate) * ndtri(CRITICAL) ** 2))


def critical(load: np.ndarray, accuracy: np.ndarray) -> float | None:
    """The load at which accuracy first falls to `CRITICAL`; none where it does not among these."""
    below = np.flatnonzero(accuracy < CRITICAL)
    if not len(below) or below[0] == 0:
        return None
    two = slice(below[0] - 1, below[0] + 1)
    return float(np.exp(np.interp(-CRITICAL, -accuracy[two], np.log(load[two]))))


def told_right(made: Ledger, on: np.ndarray, log_q: np.ndarray) -> float:
    """Balanced share of flags that a prediction of the body tells: by how much less than its share it gives
    the symbol of each, and one threshold for all, the best.
    """
    given = np.exp(log_q[:, : made.V]) @ made.forbids.T * made.allowed(on).sum(1)[:, None]
    given = np.round(given, 9)  # what is equal but for rounding no threshold is to part
    order = np.argsort(given, axis=None)
    ends = np.flatnonzero(np.diff(given.flat[order], append=np.inf))
    hits, misses = (np.cumsum(flags.flat[order])[ends] / flags.sum() for flags in (on, ~on))
    return float((1 + max(0.0, np.max(hits - misses))) / 2)


def judged(run: train.Run) -> list[float]:
    """Every network of a run, on the same words."""
    made = ledger_of(run)
    on = made.draw(WORDS, np.random.default_rng(0))
    logits = forward(run.recipe.model, run.params(), made.controls(on), position="last")["logits"]
    return [told_right(made, on, log_distribution(own)) for own in logits]


def entry(rate: float, asked: Options) -> dict[str, Any]:
    """Networks of one rate, trained or found in the store, and what is kept of them."""
    cells = Grid({"default": (asked.d_model,)}, {"default": asked.steps}, LOADS[rate])
    recipes = cells.recipes(f"ledger(K=128, g=4, p={rate!r})", Setting(seeds=asked.networks))
    load, accuracy = [], []
    for cell, recipe in recipes.items():
        if cell.longer:
            continue
        run = train.obtain(recipe, asked.store)
        load.append(cell.K / free_dimensions(run))
        accuracy.append(judged(run))
        print(f"on {rate:g} of the time, {cell}: {np.mean(accuracy[-1]):.3f} told right", flush=True)
    found, at = np.array(accuracy), np.array(load)
    return {
        "date": datetime.date.today().isoformat(),
        "commit": commit()[0],
        "rate": rate,
        "d_model": asked.d_model,
        "steps": asked.steps,
        "loads": np.round(at, 4).tolist(),
        "accuracy": np.round(found, 4).tolist(),  # by load and network
        "critical": [critical(at, own) for own in found.T],
    }


def latest(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last of every width, number of steps and rate; the rarest flags last."""
    by = {(e["d_model"], e["steps"], -e["rate"]): e for e in entries}
    return [by[key] for key in sorted(by)]


def table(entries: Sequence[dict[str, Any]]) -> list[str]:
    """A line a rate: critical loads of networks and of the bottleneck, and their ratio."""
    told = ("on", "d_model", "steps", "critical load, networks", "linear bottleneck", "over it", "commit")
    lines = [f"| {' | '.join(told)} |", "|" + "---|" * len(told)]
    for e in latest(entries):
        exact, own = critical_of_null(e["rate"]), e["critical"]
        found = None not in own
        cells = (
            f"{e['rate']:g} of the time",
            e["d_model"],
            e["steps"],
            f"**{np.mean(own):.2f}** ({min(own):.2f} to {max(own):.2f}, {len(own)} networks)"
            if found
            else "not among the loads tried",
            f"{exact:.2f}",
            f"{np.mean(own) / exact:.2f}" if found else "",
            f"{e['date']} `{e['commit']}`",
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def draw(entries: Sequence[dict[str, Any]]) -> None:
    """Accuracy by load, a panel a rate: a line a network, and the bottleneck."""
    shown = latest(entries)
    rates, lengths = (sorted({e[of] for e in shown}) for of in ("rate", "steps"))
    with style():
        fig, panels = figure(7.0, 2.3, columns=len(rates))
        for axes, rate in zip(panels, reversed(rates), strict=True):
            fine = np.geomspace(1, 1.1 * max(LOADS[rate]), 200)
            axes.plot(fine, null(fine, rate), color=BLACK, linewidth=0.9, label="linear bottleneck")
            for e in (e for e in shown if e["rate"] == rate):
                colour = (BLUE, VERMILION, GREEN)[lengths.index(e["steps"]) % 3]
                for own in np.transpose(e["accuracy"]):
                    axes.plot(e["loads"], own, "o-", color=colour, ms=2.5, linewidth=0.6, alpha=0.8)
                axes.plot([], [], "o-", color=colour, ms=2.5, linewidth=0.6, label=f"{e['steps']} steps")
            axes.axhline(CRITICAL, color=NULL, linewidth=0.7, linestyle=":")
            axes.set(xscale="log", xlabel="flags a dimension", title=f"on {rate:g} of the time")
            axes.set(ylim=(0.5, 1.02))
            axes.set_xticks(LOADS[rate], [f"{load:g}" for load in LOADS[rate]])
            axes.set_xticks([], minor=True)
        panels[0].set_ylabel("flags told right")
        panels[0].legend(loc="lower left")
        fig.savefig(FIGURE, dpi=200)


def main() -> None:
    """Train, judge and keep every rate."""
    asked = tyro.cli(Options)
    for rate in asked.rates:
        one_of(f"{rate:g}", [f"{known:g}" for known in LOADS])
    train.use_all_cores()
    for rate in asked.rates:
        keep(HISTORY, entry(rate, asked))
        entries = kept(HISTORY)
        print("\n".join(table(entries[-1:])), flush=True)
        PAGE.write_text(filled(PAGE.read_text(), table(entries)))
        draw(entries)


if __name__ == "__main__":
    main()
