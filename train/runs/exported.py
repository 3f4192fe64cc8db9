"""Weights out and in: one network as a safetensors file under TransformerLens's names, with the settings that
it is made with there beside it, and back.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import jax
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

import toy
from processes.values.whole_file import replacing
from toy.checks import fitted
from toy.sites import shown
from toy.transformer_lens import Generation

from ..errors import RunError
from ..recipe import KINDS, Recipe

Target = Literal["transformer_lens", "transformer_bridge"]
"""`HookedTransformer`, or `TransformerBridge.boot_native`."""
GENERATION: Mapping[str, Generation] = {"transformer_lens": "hooked", "transformer_bridge": "bridge"}
ABOUT = "toylab"
"""Of a file's metadata: what its network is here, and the arguments of its configuration there. One name, for
safetensors writes several in any order.
"""


@runtime_checkable
class Networks(Protocol):
    """Trained networks of one recipe: a finished run, or what came with the lab (`analysis.published`)."""

    @property
    def recipe(self) -> Recipe:
        """How they were trained."""

    def params(self) -> toy.Params:
        """Their parameters, with the seeds first."""


def export_weights(
    networks: Networks, file: Path | str, *, to: Target = "transformer_lens", seed: int | None = None
) -> Path:
    """Write the network of one seed, by default the first, as a safetensors file; returns its path.

    The file's metadata has, as JSON under `toylab`, the model, the process, the recipe, and `config`: the
    arguments of `HookedTransformerConfig`, or the dictionary for `TransformerBridge.boot_native`. Raises
    `toy.ModelError` for a network that TransformerLens cannot compute, `RunError` for a seed that there is
    not.
    """
    networks = fitted("networks", Networks, networks, RunError)
    file = Path(fitted("file", Path | str, file, RunError))
    generation = GENERATION[fitted("to", Target, to, RunError)]
    recipe = networks.recipe
    seed = fitted("seed", int | None, seed, RunError)
    seed = recipe.first_seed if seed is None else seed
    if not 0 <= seed - recipe.first_seed < recipe.seeds:
        raise RunError(
            f"there is no network of seed {shown(seed)}; there are those of {recipe.first_seed} to "
            f"{recipe.first_seed + recipe.seeds - 1}"
        )
    settings = toy.transformer_lens_settings(recipe.model, generation)
    own = jax.tree.map(lambda leaf: np.asarray(leaf)[seed - recipe.first_seed], networks.params())
    about = {
        "model": recipe.to_json()["model"],
        "process": recipe.process,
        "recipe": recipe.hash,
        "seed": seed,
        "to": to,
        "config": settings,
    }
    weights = toy.to_transformer_lens(recipe.model, own, generation)
    content = save(weights, {ABOUT: json.dumps(about)})
    with replacing(file) as part:
        part.write_bytes(content)
    return file


def import_weights(file: Path | str, config: toy.Config | None = None) -> tuple[toy.Config, toy.Params]:
    """The network of a safetensors file of either generation: its configuration, and its parameters.

    `config` is needed for a file that `export_weights` has not written. Raises `RunError` for a file that
    cannot be read, `toy.ModelError` if its weights are not those of such a network.
    """
    file = Path(fitted("file", Path | str, file, RunError))
    config = fitted("config", toy.TransformerConfig | toy.RecurrentConfig | None, config)
    try:
        with safe_open(file, "np") as content:
            told = json.loads((content.metadata() or {}).get(ABOUT, "null"))
            weights = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise RunError(f"{file} cannot be read as safetensors ({error}); export it again") from None
    if config is None:
        config = _model(file, told)
    return config, toy.from_transformer_lens(config, weights)


def _model(file: Path, told: Any) -> toy.Config:
    try:
        model = dict(told["model"])
        return KINDS[model.pop("kind")](**model)
    except (KeyError, TypeError, toy.ModelError):
        raise RunError(
            f"{file} does not say which network it is of; give its configuration, as "
            "toy.TransformerConfig(...)"
        ) from None
