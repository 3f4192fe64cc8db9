"""The kinds of work that are killed: real commands on recipes, claims and networks that are small, each as
its user would call it.

Processes are forked from one that has imported everything and started nothing: JAX has no backend there, so
no thread. What depends on a process alone has been worked out once. `saving`, `claim`, `reproduce` and
`publishing` put sums in the place of learning and measuring, for there the files are the point; `training`
and `sweep` train, measure and draw real networks.
"""

import dataclasses
import hashlib
import logging
import os
import runpy
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np

import toy
import train
from analysis import families as claims
from analysis.claim import Claim, Criterion, Setting
from analysis.commands import main as cli
from analysis.commands.interrupt import leave_at_once, working
from analysis.commands.listing import contents
from analysis.commands.sweep import sweep as sweep  # imported here, and so by no child
from analysis.figures.style import _RC
from analysis.report import EXPERIMENTS, refuse
from train import Optimiser, Progress, Recipe, State

from .killing import STOPPED, Work, call

ROOT = Path(__file__).parents[1]
FEW = Recipe(
    "rrxor",
    toy.TransformerConfig(vocab=2, n_ctx=4, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=16),
    "expected",
    Optimiser("adam", 1e-2),
    steps=4,
    batch=16,
    seeds=2,
    checkpoints=2,
)
RECIPE = (
    *("--steps", "200", "--optimiser.warmup", "5", "--seeds", "2", "--checkpoints", "6"),
    *("--model.n-layers", "1", "--model.d-model", "8", "--model.d-mlp", "16", "--model.n-ctx", "6"),
)
SMALL = ("--training", "short", *RECIPE)


def arithmetic() -> dict:
    """What to put in the place of learning where only the files matter: a state that depends on all states
    before it.
    """

    def initial(recipe: Recipe, origin_params: toy.Params | None = None) -> State:
        empty = np.full((recipe.seeds, recipe.steps), np.nan, np.float32)
        steps, w = np.zeros(recipe.seeds, np.int32), np.ones((recipe.seeds, 64), np.float32)
        return State({"w": w}, (w,), steps, np.zeros((recipe.seeds, 2), np.uint32), empty, empty)

    def fit(recipe: Recipe, state: State, stops: tuple[int, ...]) -> Iterator[Progress]:
        for done in range(int(state.step[0]), recipe.steps):
            w = np.sin(state.params["w"] + done + np.arange(64, dtype=np.float32))
            excess = state.excess.copy()
            excess[:, done] = w.mean(1)
            state = State({"w": w}, (state.opt_state[0] + w,), state.step + 1, state.key, excess, excess)
            yield Progress(done + 1, 0.0, excess[:, done], lambda tree: tree, state)

    return {"initial": initial, "fit": fit}


def sums() -> None:
    """Sums in the place of learning, saved after every step."""
    vars(train.runs.run).update(arithmetic(), SAVE_EVERY_SECONDS=-1.0)


def small_claim(id: str, count: int) -> Claim:
    """A claim about `count` recipes of sums, measured in no time."""

    def recipes(process: str, setting: Setting) -> Mapping[str, Recipe]:
        return {
            f"sums {k}": dataclasses.replace(FEW, seeds=setting.seeds, first_seed=setting.seeds * k)
            for k in range(count)
        }

    def evidence(runs: Mapping[str, train.Run]) -> dict[str, np.ndarray]:
        last, first = (np.concatenate([run.params(step)["w"] for run in runs.values()]) for step in (None, 0))
        return {"moved": np.abs(last - first).mean(1), "still": np.zeros(len(last)), "w": last}

    return Claim(
        id,
        "Sums move.",
        "benchmarks/work.py",
        prediction=lambda process, n_ctx: {"sums": count},
        criteria=(Criterion("distance moved", lambda e: e["moved"], above=0.0, over="most"),),
        controls=(Criterion("what stands still", lambda e: e["still"], above=-1.0, below=1.0),),
        tested_on=("rrxor", "mess3")[:count],
        recipes=recipes,
        evidence=evidence,
        shown=lambda e: {"w": e["w"]},
    )


def toylab(*argv: str) -> int:
    """The console script; returns its exit status."""
    logging.getLogger("absl").setLevel(logging.ERROR)
    sys.argv = ["toylab", *argv]
    try:
        cli.entry()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def stopped(script: Callable[[Path], None]) -> Callable[[Path], int]:
    """A script that has no words of its own for an interrupt; one that Python would only print and forget, in
    a callback of the garbage collector, comes once more, as in our commands.
    """

    def command(folder: Path) -> int:
        leave_at_once()
        try:
            with working():
                script(folder)
        except KeyboardInterrupt:
            return STOPPED
        return 0

    return command


@stopped
def _save(folder: Path) -> None:
    sums()
    logging.getLogger("absl").setLevel(logging.ERROR)
    for _ in train.open_run(folder / "run", FEW).train():
        pass


def _train(folder: Path) -> int:
    train.runs.run.SAVE_EVERY_SECONDS = 0.05
    train.runs.run.fit = partial(train.fit, report_every=0.02)
    return toylab("run", "rrxor", "--out", str(folder / "run"), *SMALL)


def _sweep(folder: Path) -> int:
    train.runs.run.SAVE_EVERY_SECONDS = 0.05
    train.runs.run.fit = partial(train.fit, report_every=0.02)
    return toylab(
        "sweep",
        "rrxor",
        "--over",
        "first-seed=0,2",
        "--store",
        str(folder),
        "--table",
        str(folder / "table.csv"),
        *RECIPE,
    )


def _claim(folder: Path, looks: int = 3) -> int:
    """It is decided at the second look."""
    sums()
    return toylab("claim", "KL1", "--store", str(folder), "--looks", str(looks))


def _reproduce(folder: Path, looks: int = 3) -> int:
    sums()
    return toylab("reproduce", "KL1", "KL2", "--store", str(folder), "--looks", str(looks))


def _publish(folder: Path) -> int:
    """docs/generate.py on a store; its documents are in `folder`."""
    leave_at_once()
    sums()
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))
    family = SimpleNamespace(
        __name__="benchmarks.sums", QUESTION="Do sums move?", CLAIMS=(*claims.CLAIMS.values(),)
    )
    found = {
        "start": [],
        "in_all": {"sums": "They move."},
        "claims": dict.fromkeys(claims.CLAIMS, "They do."),
    }
    papers = {"keys": lambda: [], "page": None, "index": lambda *given: "none\n"}
    here = {"ROOT": folder, "PUBLISHED": folder / "analysis" / "published", "FAMILIES": (family,)}
    instruments = {"page": lambda given: "none\n", "figures": lambda given: ()}
    tables = dict.fromkeys(("ablations", "without_inputs", "organisms"), lambda *given: "none")
    here |= {"FOUND": found, "PAPERS": papers, "INSTRUMENTS": instruments, "TABLES": tables}
    generate["main"].__globals__.update(here)
    generate["main"]([str(folder.with_name("published"))])
    return 0


def _old_documents(folder: Path) -> None:
    """Documents of an earlier publication, which the new one takes the place of."""
    for claim in ("KL1", "KL2"):
        verdict, figure = folder / "analysis" / "published" / claim, folder / "docs" / "results" / claim
        verdict.mkdir(parents=True)
        figure.mkdir(parents=True)
        (verdict / "rrxor.json").write_text('{"older": 1}\n')
        (figure / "rrxor.png").write_bytes(b"older")
    (folder / "README.md").write_text("<!-- families -->\nolder\n<!-- /families -->\n")
    for file in (ROOT / "docs").rglob("*"):  # what the generator fills in parts of, and what it reads
        there = folder / file.relative_to(ROOT)
        if file.suffix in (".md", ".json", ".jsonl") and not {"_build", "papers"} & {*file.parts}:
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, there)
    (folder / "docs" / "papers").mkdir()
    for page in ("map.md", "results/sums.md"):
        (folder / "docs" / page).write_text("older\n")


def _bits(folder: Path) -> str:
    """The hash of everything that the runs in a folder give: histories, and parameters at all kept steps."""
    values: list[Any] = []
    for file in sorted(folder.rglob("history.npz")):
        run = train.open_run(file.parent)
        values += [run.history(), [run.params(step) for step in run.checkpoint_steps]]
    return hashlib.sha256(
        b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(values))
    ).hexdigest()


def _show(folder: Path) -> int:
    return toylab("show", str(folder / "run"))


WORK = {
    work.name: work
    for work in (
        Work("saving", _save, read=_bits),
        Work("training", _train, read=_bits, reader=_show),
        Work("sweep", _sweep, read=_bits),
        Work("claim", _claim, read=_bits, halfway=partial(_claim, looks=1)),
        Work("reproduce", _reproduce, read=_bits, halfway=partial(_reproduce, looks=1)),
        Work("publishing", _publish, _old_documents),
        Work("showing", _show, says=True),
    )
}


def prepared(name: str, scratch: Path) -> Work:
    """A kind of work, ready to be called in folders of `scratch`. Call it before JAX has computed anything in
    this process.
    """
    os.environ["XDG_CACHE_HOME"] = str(scratch / "programs")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    small = [small_claim(k, n) for n, k in enumerate(("KL1", "KL2"), 1)]
    claims.CLAIMS.update({claim.id: claim for claim in small})
    # By these, commands refuse what is no claim before they import any.
    contents()["claims"] += [
        {"id": claim.id, "statement": claim.statement, "source": claim.source} for claim in small
    ]
    _RC["savefig.dpi"] = 40
    work = WORK[name]
    if name in ("training", "showing"):
        recipe = EXPERIMENTS["rrxor"].recipe
        refuse(
            EXPERIMENTS["rrxor"],
            dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, n_ctx=6)),
        )  # remembered by every child
    if name == "publishing":
        for id in [id for id in claims.CLAIMS if not id.startswith("KL")]:
            del claims.CLAIMS[id]
        _first(WORK["reproduce"], scratch / "published")
    if name == "showing":
        _first(WORK["training"], scratch / "shown")
        return dataclasses.replace(
            work, begin=lambda folder: shutil.copytree(scratch / "shown", folder, dirs_exist_ok=True)
        )
    return work


def _first(work: Work, folder: Path) -> None:
    folder.mkdir()
    ended = call(work, folder)
    if ended.status != 0:
        raise RuntimeError(f"{work.name} does not end by itself: {ended.said}")
