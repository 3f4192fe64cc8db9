"""The networks that come with the lab, trained as far as float32 gets in minutes: one seed of each.

python -m benchmarks.published_networks [NAME ...]
"""

from collections.abc import Mapping

import jax
import numpy as np

import train
from analysis import published
from analysis.claim import Setting
from analysis.constraint_load.cl2_load_decides import DEFAULT_PROCESS
from analysis.families import CLAIMS
from analysis.recipes import standard, trained
from toy.inputs import by_path

from .asked import words
from .table import ROOT
from .time_to_kl import exact_kl

ONE = Setting(seeds=1, training="sharp")
STORE = ROOT / "runs"


def recipes() -> Mapping[str, train.Recipe]:
    """What is trained: of headline processes a classical fractal, two whose next-token distributions merge
    beliefs, a quantum one, and one with constraints.
    """
    guarded = CLAIMS["CL2"].recipes(DEFAULT_PROCESS, ONE)["transformer"]
    return {
        "mess3": standard("mess3", ONE),
        "rrxor": standard("rrxor", ONE),
        "nemo": standard("nemo", ONE),
        "bloch_walk": CLAIMS["BG9"].recipes("bloch_walk", ONE)["transformer"],
        "guarded": trained(guarded, ONE.training),
    }


def main(names: list[str]) -> None:
    """Train and keep them."""
    train.use_all_cores()
    jax.config.update("jax_compilation_cache_dir", str(train.program_cache()))
    for name, recipe in recipes().items():
        if name in (names or recipes()):
            run = train.obtain(recipe, STORE)
            (kl,) = exact_kl(recipe, run.params())
            leaves = {path: np.asarray(leaf)[0] for path, leaf in by_path(run.params()).items()}
            file = published.keep(name, published.Network(recipe, kl, run.made[-1].versions, leaves))
            print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1e6:.2f} MB, KL {kl:.1e} nats per token")


if __name__ == "__main__":
    main(words(__doc__, recipes()))
