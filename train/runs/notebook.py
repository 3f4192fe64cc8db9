"""A run as a notebook shows it: what is trained on what, and how far it came."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

import numpy as np

from ..recipe import Recipe


def html(path: Path, recipe: Recipe, history: Mapping[str, np.ndarray] | None) -> str:
    """A few lines of HTML without scripts or links, for light pages and dark ones. `history` is that of a
    finished run.
    """
    model, optimiser = recipe.model, recipe.optimiser
    kind = getattr(model, "cell", "transformer")
    size = f"{model.n_layers} layers of width {model.d_model}, contexts of {model.n_ctx}"
    rows = {
        "process": recipe.process,
        "networks": f"{recipe.seeds} ({kind}, {size})",
        "training": f"{recipe.objective}, {optimiser.name} {optimiser.learning_rate:g}, {recipe.steps} steps",
        "state": "not finished; the same call resumes it" if history is None else _over_floor(history),
        "folder": str(path),
    }
    said = "".join(
        f"<tr><th style='text-align:left;font-weight:normal;opacity:.6;padding:1px 10px 1px 0'>{name}</th>"
        f"<td style='text-align:left'>{escape(value)}</td></tr>"
        for name, value in rows.items()
    )
    return (
        f"<div><b>run {escape(recipe.hash)}</b><table style='border-collapse:collapse'>{said}</table></div>"
    )


def _over_floor(history: Mapping[str, np.ndarray]) -> str:
    """How far over the exact floor all networks are at the end."""
    last = history["excess"][:, -1]
    return f"finished; {last.min():.1e} to {last.max():.1e} nats per token over the floor at the last step"
