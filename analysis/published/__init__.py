"""What this version of the lab came with: its verdicts, as JSON, and a network trained to the floor for each
headline process, so that reports, notebooks and tests start from one in seconds.

    network = published.network("mess3")
    study(network).r2("blocks.3.resid_post")
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float32

import toy
import train
from processes import ProcessError
from toy.inputs import by_path
from train.errors import RunError
from train.recipe import from_json
from train.runs.sealed import read_npz, write_npz

FOLDER = Path(__file__).parent / "networks"
ABOUT = "about"
"""Under this name a file has, beside its parameters, what is known of them."""
REMEDY = "install the lab again, or train it with `python -m benchmarks.published_networks`"


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network that came with the lab; what asks for a run's recipe and parameters takes it too."""

    recipe: train.Recipe
    """Of one seed."""
    kl: float
    """To the exact predictor over all contexts, nats per token."""
    versions: Mapping[str, str]
    """Where it was trained: what its bits depend on beside the recipe."""
    leaves: Mapping[str, Float32[np.ndarray, "..."]]
    """Parameters by path, without an axis of seeds."""

    @cached_property
    def _params(self) -> toy.Params:
        like = jax.eval_shape(toy.network(self.recipe.model).init, train.key(0))
        leaves = [self.leaves[path][None] for path in by_path(like)]
        return jax.tree.unflatten(jax.tree.structure(like), leaves)

    def params(self) -> toy.Params:
        """The parameters, with an axis of one seed first."""
        return self._params


def names() -> tuple[str, ...]:
    """What there is a network for."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.npz")))


def network(name: str) -> Network:
    """The trained network of a headline process.

    Raises `processes.ProcessError` for a name that is none of `names`, `train.RunError` if its file is not
    what was written.
    """
    if name not in names():
        raise ProcessError(f"there is no trained network of {name!r}; there are {', '.join(names())}")
    file = FOLDER / f"{name}.npz"
    leaves = read_npz(file, REMEDY)
    about = json.loads(str(leaves.pop(ABOUT)))
    recipe = from_json(about["recipe"])
    if recipe.hash != about["hash"]:
        raise RunError(f"{file} is of recipe {about['hash']}, which is {recipe.hash} today; {REMEDY}")
    return Network(recipe, about["kl"], about["versions"], leaves)


def keep(name: str, network: Network) -> Path:
    """Write a network under a name; returns the file."""
    about = {
        "recipe": network.recipe.to_json(),
        "hash": network.recipe.hash,
        "kl": network.kl,
        "versions": dict(network.versions),
    }
    file = FOLDER / f"{name}.npz"
    write_npz(file, **network.leaves, **{ABOUT: np.array(json.dumps(about))})
    return file
