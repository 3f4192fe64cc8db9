"""How far a value travels through the files: python -m benchmarks.walks [WALK ...]

A walk is what runs between a door and a goal, followed with `sys.setprofile` through the functions of ours. A
call from one function to another counts once, when it is first made: loops add nothing. A stay is an unbroken
stretch of such calls into functions of one file, and a return is a stay in a file that was left before:
returns = stays - files. The settings of JAX (`pinned`, and `jit`, which wraps what it is given) are no stays:
nothing travels into them. A second number counts them all the same.

batch    a batch of tokens, from a recipe to the gradient of the first step
belief   a belief, from a run to the R^2 of a probe for it
warmup   --optimiser.warmup, from the command line to the schedule inside the compiled program
obtain   a recipe, from `train.obtain` to its finished run
"""

import contextlib
import inspect
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import toy
import train
from analysis.commands.main import main as toylab
from analysis.instruments.probing.study import study
from train import Optimiser, Recipe
from train.schedule import step_size

from .asked import words

ROOT = Path(train.__file__).parents[1]
ASIDE = ("train/machine/numerics.py",)
"""Where the settings are under which everything runs."""
RECIPE = Recipe(
    "rrxor",
    toy.TransformerConfig(vocab=2, n_ctx=6, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=16),
    "sampled",
    Optimiser("adam", 1e-2),
    steps=4,
    batch=16,
    seeds=2,
    checkpoints=2,
)


class Arrived(BaseException):
    """The goal of a walk is reached; nothing on the way may catch it."""


class Walk:
    """The files that calls enter, in the order in which each call is first made."""

    def __init__(self, rooms: tuple[str, ...], goal: str = ""):
        self.rooms, self.goal = rooms, goal
        self.entered: list[tuple[str, str]] = []  # file, function
        self._ours_by_file: dict[str, str] = {}  # files of ours, from the root; empty for all others
        self._made: set[tuple[CodeType | None, CodeType]] = set()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """A profiler, as `sys.setprofile` calls it."""
        if event != "call" or not (file := self._ours(frame)):
            return
        body_of_a_function = frame.f_code.co_flags & inspect.CO_NEWLOCALS and frame.f_code.co_name[0] != "<"
        if (call := (self._caller(frame), frame.f_code)) not in self._made and body_of_a_function:
            self._made.add(call)
            self.entered.append((file, frame.f_code.co_qualname))
        if self.goal and frame.f_code.co_qualname.endswith(self.goal):
            raise Arrived

    def _ours(self, frame: FrameType) -> str:
        file = frame.f_code.co_filename
        if file not in self._ours_by_file:
            path = Path(file)
            inside = path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in self.rooms
            self._ours_by_file[file] = str(path.relative_to(ROOT)) if inside else ""
        return self._ours_by_file[file]

    def _caller(self, frame: FrameType) -> CodeType | None:
        above = frame.f_back
        while above is not None and not self._ours(above):
            above = above.f_back
        return above.f_code if above else None

    def stays(self, aside: tuple[str, ...]) -> list[tuple[str, list[str]]]:
        """Each file stayed in but for those that lie `aside`, with the functions entered there."""
        found: list[tuple[str, list[str]]] = []
        for file, function in self.entered:
            if file in aside:
                continue
            if not found or found[-1][0] != file:
                found.append((file, []))
            found[-1][1].append(function)
        return found


@contextlib.contextmanager
def followed(walk: Walk) -> Iterator[None]:
    """Follow what runs in this block, to its end or to the goal."""
    sys.setprofile(walk)
    try:
        yield
        if walk.goal:
            raise SystemExit(f"the walk never came to {walk.goal}; name the function that ends it")
    except Arrived:
        pass
    finally:
        sys.setprofile(None)


def batch(walk: Walk, folder: Path) -> None:
    """The first report of a training comes after its first step."""
    with followed(walk):
        next(train.fit(RECIPE))


def belief(walk: Walk, folder: Path) -> None:
    """Activations on every context, regressed on beliefs."""
    run = train.obtain(RECIPE, folder)
    with followed(walk):
        study(run).r2("blocks.0.resid_post")


def warmup(walk: Walk, folder: Path) -> None:
    """Through the command that a user types, where no program has been compiled before."""
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    flags = ["--model.n-layers", "1", "--model.n-ctx", "6", "--optimiser.warmup", "5", "--training", "short"]
    with followed(walk):
        toylab(["run", "rrxor", *flags, "--out", str(folder / "run")])


def obtain(walk: Walk, folder: Path) -> None:
    """Nothing is there before."""
    with followed(walk):
        train.obtain(RECIPE, folder)


class Route(NamedTuple):
    """A walk to take."""

    go: Callable[[Walk, Path], None]
    rooms: tuple[str, ...]  # whose files are counted
    goal: str = ""  # the function that ends it


ROUTES = {
    "batch": Route(batch, ("train",)),
    "belief": Route(belief, ("analysis",)),
    "warmup": Route(warmup, ("train",), f"{step_size.__qualname__}.<locals>.size"),
    "obtain": Route(obtain, ("train",)),
}


def taken(name: str) -> Walk:
    """The walk of this name, in a process that has not taken another: what is in a cache is not walked
    again."""
    route = ROUTES[name]
    walk = Walk(route.rooms, route.goal)
    logging.getLogger("absl").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        route.go(walk, Path(folder))
    return walk


def main(names: list[str]) -> None:
    """Print the numbers of the walks that are named, or of all; of a single one also its stays."""
    for name in names or ROUTES:
        if len(names) != 1:
            command = [sys.executable, "-m", __spec__.name, name]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            print(done.stdout.splitlines()[-1], flush=True)
            continue
        walk = taken(name)
        stays, all_stays = walk.stays(ASIDE), walk.stays(())
        files = {file for file, _ in stays}
        for n, (file, functions) in enumerate(stays, 1):
            print(f"{n:>6}  {file:<36} {', '.join(functions)}")
        print(
            f"{name:<8}{len(stays):>4} stays {len(files):>3} files {len(stays) - len(files):>3} returns"
            f" ({len(all_stays)} stays with {', '.join(ASIDE)})"
        )


if __name__ == "__main__":
    main(words(__doc__, ROUTES))
