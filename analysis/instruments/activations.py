"""Activations out: what passes sites of networks on every context, beside what is exact there, for other
programs.

    found = activations(run, ["blocks.0.resid_post", "blocks.0.mlp.post"])
    found.to_xarray().to_zarr("activations.zarr")  # or .to_netcdf, .to_dataframe
    found.write("activations.safetensors")
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int
from safetensors.numpy import save

import train
from processes.values.whole_file import replacing
from toy.checks import fitted
from toy.sites import Place
from train.runs.exported import Networks

from .contexts import Contexts, contexts
from .evidence import observe
from .notebook import html, line
from .untrained import UNTRAINED_SEEDS, untrained

if TYPE_CHECKING:
    import xarray

INSTALL = 'pip install "toylab[export]"'


@dataclass(frozen=True, eq=False)
class Activations:
    """What passes sites of several networks of one recipe on every context."""

    recipe: train.Recipe
    contexts: Contexts
    trained: bool
    seed: Int[np.ndarray, "seeds"]
    values: Mapping[str, Float32[np.ndarray, "seeds N *_"]]
    """By site, as networks computed it; attention patterns and scores are rows of the attending position."""

    def __repr__(self) -> str:
        return line(*self._told())

    def _repr_html_(self) -> str:
        return html(*self._told())

    def _told(self) -> tuple[str, dict[str, str]]:
        """What a prompt shows: sites of the same shape together."""
        alike: dict[str, list[str]] = {}
        for site, value in self.values.items():
            shape = ", ".join(f"{axis} {n}" for axis, n in zip(self.axes(site), value.shape, strict=True))
            alike.setdefault(f"({shape})", []).append(site)
        facts = {
            "networks": f"{len(self.seed)} {'' if self.trained else 'un'}trained, recipe {self.recipe.hash}",
            "contexts": self.contexts.size,
            **{", ".join(sites): shape for shape, sites in alike.items()},
        }
        return f"activations on {self.contexts.process.name}", facts

    def axes(self, name: str) -> tuple[str, ...]:
        """What the axes of a site, or of an array beside them, are called."""
        if name in self.values:
            return ("seed", "context", *Place.of(name).axes)
        inner = {"tokens": ("position",), "belief": ("hidden_state",), "next_token": ("symbol",)}.get(
            name, ()
        )
        return ("seed",) if name == "seed" else ("context", *inner)

    @property
    def beside(self) -> Mapping[str, np.ndarray]:
        """What is known of each network and each context: its seed; tokens (-1 behind the last) and how many,
        belief, distribution of the next token, weight, and fold (-1 where it is too short to be held out).
        """
        t = self.contexts
        return {
            "seed": self.seed,
            "tokens": t.words,
            "length": t.length,
            "belief": t.belief,
            "next_token": t.next_token,
            "weight": t.weight,
            "fold": t.fold,
        }

    @property
    def about(self) -> Mapping[str, str | int]:
        """Where they are from."""
        return {
            "process": self.contexts.process.name,
            "recipe": self.recipe.hash,
            "model": json.dumps(self.recipe.to_json()["model"]),
            "trained": int(self.trained),
            "n_ctx": self.contexts.n_ctx,
            "drawn_words": self.contexts.sampled or 0,
        }

    def to_xarray(self) -> "xarray.Dataset":
        """A dataset with a variable for each site, for tokens, belief and next_token; what is one number a
        context is a coordinate.

        Raises `train.RunError` if xarray is not installed.
        """
        try:
            import xarray
        except ImportError:
            raise train.RunError(
                f"a dataset needs xarray; run {INSTALL}, or write the same arrays as safetensors with `write`"
            ) from None
        named = {
            name: (self.axes(name), value) for name, value in (*self.values.items(), *self.beside.items())
        }
        numbers = {name: it for name, it in named.items() if it[0] in (("context",), ("seed",))}
        separator = "" if self.contexts.process.vocab <= 10 else " "
        words = [separator.join(map(str, word[word >= 0])) for word in self.contexts.words]
        return xarray.Dataset(
            {name: it for name, it in named.items() if name not in numbers},
            numbers | {"word": ("context", np.array(words, object))},
            dict(self.about),
        )

    def write(self, file: Path | str) -> Path:
        """Write every array as safetensors, and under `toylab` of its metadata, as JSON, where they are from
        and what their axes are called.
        """
        file = Path(fitted("file", Path | str, file, train.RunError))
        arrays = {**self.values, **self.beside}
        about = {**self.about, "axes": {name: self.axes(name) for name in arrays}}
        content = save(
            {name: np.ascontiguousarray(value) for name, value in arrays.items()},
            {"toylab": json.dumps(about)},
        )
        with replacing(file) as part:
            part.write_bytes(content)
        return file


def activations(
    networks: Networks,
    sites: Sequence[str] | None = None,
    of: Contexts | None = None,
    *,
    trained: bool = True,
) -> Activations:
    """What passes sites of every network of a finished run, or of one that came with the lab, on contexts.

    Sites are those of the residual stream by default; contexts those of its process up to n_ctx tokens. With
    `trained` False it is as many untrained networks of the same shape. Raises `toy.ModelError` for a site
    that there is not.
    """
    networks = fitted("networks", Networks, networks)
    recipe = networks.recipe
    asked = recipe.model.stream if sites is None else fitted("sites", tuple[str, ...], sites)
    of = fitted("of", Contexts | None, of, remedy="make them with contexts(process, n_ctx)")
    trained = fitted("trained", bool, trained)
    what = contexts(recipe.ground_truth(), recipe.model.n_ctx) if of is None else of
    params = networks.params() if trained else untrained(recipe)
    seen = observe(recipe.model, params, what, asked)
    values = {site: np.stack([network.activations[site] for network in seen]) for site in asked}
    first = recipe.first_seed + (0 if trained else UNTRAINED_SEEDS)
    return Activations(recipe, what, trained, first + np.arange(len(seen)), values)
