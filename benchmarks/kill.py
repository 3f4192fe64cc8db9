"""Kill trainings with SIGKILL, start them again, and compare every bit of what they end with.

python -m benchmarks.kill calls [N [FIRST]]   before every N-th file-system call that writes (all of them by default)
python -m benchmarks.kill moments KILLS       real trainings at random moments, until so many have been killed

Prints one JSON line; status 1 if any training ended with other bits, or not at all. Processes are forked before JAX starts any thread.
"""

import contextlib
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

import toy
import train
from train import Optimiser, Progress, Recipe, State

MODEL = toy.TransformerConfig(vocab=2, n_ctx=4, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=16)
RECIPE = Recipe("rrxor", MODEL, "expected", Optimiser("adam", 1e-2), steps=600, batch=16, seeds=2, checkpoints=8)
FEW = Recipe("rrxor", MODEL, "expected", Optimiser("adam", 1e-2), steps=4, batch=16, seeds=2, checkpoints=2)
FORK = multiprocessing.get_context("fork")
WRITES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink"}


def arithmetic() -> dict:
    """What to put in the place of learning where only the files matter: a state that depends on all states before it."""

    def initial(recipe: Recipe) -> State:
        empty = np.full((recipe.seeds, recipe.steps), np.nan, np.float32)
        steps, w = np.zeros(recipe.seeds, np.int32), np.ones((recipe.seeds, 64), np.float32)
        return State({"w": w}, (w,), steps, np.zeros((recipe.seeds, 2), np.uint32), empty, empty)

    def fit(recipe: Recipe, state: State, stops: tuple[int, ...]) -> Iterator[Progress]:
        for done in range(int(state.step[0]), recipe.steps):
            w = np.sin(state.params["w"] + done + np.arange(64, dtype=np.float32))
            excess = state.excess.copy()
            excess[:, done] = w.mean(1)
            state = State({"w": w}, (state.opt_state[0] + w,), state.step + 1, state.key, excess, excess)
            yield Progress(done + 1, 0.0, excess[:, done], state)

    return {"initial": initial, "fit": fit}


def learn(path: Path, recipe: Recipe, kill_at: int | None = None) -> None:
    """Train to the end, saving often; with `kill_at`, die before that writing call."""
    import jax

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what Orbax says on the way
    train.run.SAVE_EVERY = -1.0 if recipe is FEW else 0.2
    if recipe is FEW:
        vars(train.run).update(arithmetic())
        train.environment.versions = lambda recipe: {}
    else:
        jax.config.update("jax_compilation_cache_dir", str(path.parent / "xla"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        train.run.fit = partial(train.fit, report_every=0.05)
    count = 0

    def hook(event: str, args: tuple) -> None:
        nonlocal count
        if event in WRITES or (event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            count += 1
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    if kill_at is not None:
        sys.addaudithook(hook)
    for _ in train.open_run(path, recipe).train():
        pass


def bits(path: Path, recipe: Recipe, answer) -> None:
    """Send the hash of everything that a run gives: history, and parameters at all kept steps."""
    import jax

    run = train.open_run(path, None)
    values = [run.history(), [run.params(step) for step in run.kept_steps]]
    answer.send(hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(values))).hexdigest())


def fork(target, *args, seconds: float | None = None) -> int:
    """Exit status of a forked call, which is killed after so many seconds."""
    child = FORK.Process(target=target, args=args)
    child.start()
    child.join(seconds)
    if child.is_alive():
        child.kill()
        child.join()
    return child.exitcode


def result(path: Path, recipe: Recipe) -> str:
    """The bits of a finished run, or that it has none."""
    ours, theirs = FORK.Pipe(duplex=False)
    return ours.recv() if fork(bits, path, recipe, theirs) == 0 else "none"


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for runs."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def calls(every: int = 1, first: int = 1) -> dict:
    """Kill before each writing call, then run to the end."""
    with scratch() as folder:
        assert fork(learn, folder / "whole", FEW) == 0
        wanted, kills, other = result(folder / "whole", FEW), 0, []
        for n in range(first, sys.maxsize, every):
            path = folder / "cut"
            shutil.rmtree(path, ignore_errors=True)
            if fork(learn, path, FEW, n) != -signal.SIGKILL:
                break
            kills += 1
            if fork(learn, path, FEW) != 0 or result(path, FEW) != wanted:
                other.append(n)
        return {"kills": kills, "other_bits": other}


def moments(wanted_kills: int, seed: int = 0) -> dict:
    """Kill real trainings at uniformly random moments of what a whole one takes, and go on with each until it ends."""
    rng = np.random.default_rng(seed)
    with scratch() as folder:
        assert fork(learn, folder / "whole", RECIPE) == 0
        wanted, kills, ended, other = result(folder / "whole", RECIPE), 0, 0, 0
        begun = time.monotonic()
        assert fork(learn, folder / "again", RECIPE) == 0
        whole = time.monotonic() - begun
        assert result(folder / "again", RECIPE) == wanted
        while kills < wanted_kills:
            path = folder / f"cut{ended}"
            while (status := fork(learn, path, RECIPE, seconds=rng.uniform(0, whole))) == -signal.SIGKILL:
                kills += 1
            ended += 1
            other += status != 0 or result(path, RECIPE) != wanted
            shutil.rmtree(path)
        return {"kills": kills, "runs": ended, "other_bits": other, "seconds_of_a_whole_run": round(whole, 2)}


if __name__ == "__main__":
    found = {"calls": calls, "moments": moments}[sys.argv[1]](*map(int, sys.argv[2:]))
    print(json.dumps(found))
    sys.exit(bool(found["other_bits"]))
