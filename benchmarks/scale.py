"""Networks per minute against their number, in one recipe and in many: python -m benchmarks.scale [MOST]

Small transformers on RRXOR, a hundred steps each, trained side by side by one program: the seeds of one
recipe, or recipes of four seeds each that differ in their rate (log-spaced from 1e-4 to 1e-2) and process
(four settings of RRXOR). Each number is measured in a process of its own, compilation apart, with the most
memory that it ever had. Up to 512 of them also as a sweep, which keeps a run of every recipe on the disk and
measures it. Adds a line to docs/scale.jsonl for each and draws docs/figures/scale.png.
"""

import datetime
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter

import toy
import train
from analysis.figures.style import figure, style

from .asked import one_of, whole, words
from .table import ROOT, commit, keep, kept

HISTORY = ROOT / "docs" / "scale.jsonl"
NUMBERS = (1, 2, 8, 32, 128, 512, 2048, 10_000)
STEPS, SEEDS = 100, 4
SHAPE = toy.TransformerConfig(vocab=2, n_ctx=6, n_layers=1, n_heads=2, d_model=16, d_head=8, d_mlp=64)
ONE = train.Recipe("rrxor", SHAPE, "expected", train.Optimiser("adam", 3e-3), STEPS, batch=32, seeds=1)
PROCESSES = ("rrxor", "rrxor(p1=0.4, p2=0.5)", "rrxor(p1=0.5, p2=0.4)", "rrxor(p1=0.3, p2=0.6)")
KINDS = ("one recipe", "many recipes")
SWEPT, MOST_SWEPT = "a sweep", 512
"""Networks of a sweep: recipes of four, one after the other, so that more cost as much each."""


def recipes(kind: str, number: int) -> list[train.Recipe]:
    """What is trained: so many networks in all."""
    if kind == "one recipe" or number < SEEDS:
        return [replace(ONE, seeds=number)]
    rates = np.geomspace(1e-4, 1e-2, number // SEEDS)
    return [
        replace(
            ONE,
            process=PROCESSES[i % len(PROCESSES)],
            optimiser=train.Optimiser("adam", float(rate)),
            seeds=SEEDS,
        )
        for i, rate in enumerate(rates)
    ]


def measured(kind: str, number: int) -> dict[str, Any]:
    """In this process: seconds until the first report, which compiles, and from there to the end."""
    train.use_all_cores()
    asked = recipes(kind, number)
    began = time.perf_counter()
    reports = train.fit_many(asked, report_every=5.0)
    first = next(reports)
    compiled = time.perf_counter()
    (last,) = deque(reports, maxlen=1)  # every report holds a state: a list of them would hold all
    seconds = time.perf_counter() - compiled
    assert last.excess.shape == (number,) and np.isfinite(last.excess).all()
    per_minute = 60 * number * (STEPS - first.step) / STEPS / seconds
    return _row(number, len(asked), compiled - began, per_minute)


def swept(number: int) -> dict[str, Any]:
    """The same of a sweep: seconds of its first recipe, which compiles, and from there to the end."""
    train.use_all_cores()
    asked = recipes(KINDS[1], number)
    with tempfile.TemporaryDirectory() as store:
        began = time.perf_counter()
        train.sweep(asked[:1], store)
        compiled, cores = time.perf_counter(), time.process_time()
        train.sweep(asked, store)
        per_minute = 60 * (number - SEEDS) / (time.perf_counter() - compiled)
        core_seconds = (time.process_time() - cores) / (number - SEEDS)
        files = [path for path in Path(store, asked[-1].hash).rglob("*") if path.is_file()]
        kept: dict[str, Any] = {"core_seconds_a_network": float(f"{core_seconds:.3g}")}
        kept |= {"files_a_run": len(files), "bytes_a_run": sum(path.stat().st_size for path in files)}
    return _row(number, len(asked), compiled - began, per_minute) | kept


def _row(number: int, recipes: int, compiling: float, per_minute: float) -> dict[str, Any]:
    return {
        "number": number,
        "recipes": recipes,
        "compiling": round(compiling, 2),
        "per_minute": float(f"{per_minute:.4g}"),
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }


def draw(rows: Sequence[Mapping[str, Any]]) -> None:
    """The last measurement of every number and kind."""
    with style():
        fig, (speed, memory) = figure(7.0, 2.6, columns=2)
        for kind, marker in zip(KINDS, "os", strict=True):
            last = {row["number"]: row for row in rows if row["kind"] == kind}
            x = sorted(last)
            speed.plot(x, [last[n]["per_minute"] for n in x], marker=marker, markersize=3, label=kind)
            memory.plot(x, [last[n]["megabytes"] for n in x], marker=marker, markersize=3, label=kind)
        ticks = (500, 1000, 2000, 5000, 10_000)
        for axes, label in ((speed, "networks per minute"), (memory, "most memory, MB")):
            axes.set(xscale="log", yscale="log", xlabel="networks side by side", ylabel=label)
            axes.set_yticks(ticks, [f"{tick:,}".replace(",", " ") for tick in ticks])
            axes.set_yticks([], minor=True)
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}".replace(",", " ")))
        speed.legend()
        fig.savefig(ROOT / "docs" / "figures" / "scale.png", dpi=200)


def main(asked: list[str]) -> None:
    """Measure all numbers up to the most, or, in a child, one."""
    if len(asked) == 2:
        kind, number = one_of(asked[0], (*KINDS, SWEPT)), whole("the number of networks", asked[1])
        print(json.dumps(swept(number) if kind == SWEPT else measured(kind, number)))
        return
    most = whole("the number of networks", asked[0]) if asked else NUMBERS[-1]
    for number in (n for n in NUMBERS if n <= most):
        for kind in (*KINDS, SWEPT) if SEEDS < number <= MOST_SWEPT else KINDS:
            command = [sys.executable, "-m", "benchmarks.scale", kind, str(number)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            row = {"date": datetime.date.today().isoformat(), "commit": commit()[0], "kind": kind}
            row |= json.loads(done.stdout)
            print(row, flush=True)
            keep(HISTORY, row)
    draw(kept(HISTORY))


if __name__ == "__main__":
    main(words(__doc__))
