"""Whether one step of a recipe can fit into this machine's memory at all, told before anything is trained."""

import os
from importlib.metadata import entry_points

import toy

from ..errors import RecipeError
from ..recipe import Recipe

FLOAT = 4
"""Bytes of a float32."""


def least(recipe: Recipe) -> int:
    """Bytes that a step of one network keeps for its gradient at least: the stream after every layer and, of
    softmax attention, every layer's pattern. 0 where every prefix is seen, which `Recipe` bounds.
    """
    if recipe.batch is None:
        return 0
    model = recipe.model
    kept = recipe.batch * model.n_ctx * model.d_model
    if isinstance(model, toy.TransformerConfig) and model.mixer == "attention":
        kept += recipe.batch * model.n_heads * model.n_ctx**2
    return FLOAT * model.n_layers * kept


def installed() -> int | None:
    """Bytes of memory that this machine has; None where that is not told, or where JAX may train on an
    accelerator, whose memory is its own.
    """
    if entry_points(group="jax_plugins") or not hasattr(os, "sysconf"):  # which Windows has not
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_memory(recipe: Recipe, hosts: int = 1) -> None:
    """Raises `RecipeError` if a step of the recipe keeps more than the memory of so many machines like this
    one holds: the system would end the process in the middle, without a word.
    """
    needed, there = least(recipe), installed()
    if there is not None and needed > hosts * there:
        of = "this machine has" if hosts == 1 else f"{hosts} machines like this one have"
        raise RecipeError(
            f"a step on {recipe.batch} words of n_ctx {recipe.model.n_ctx} keeps at least {needed / 1e9:.0f} "
            f"GB for its gradient, and {of} {hosts * there / 1e9:.0f} GB; use a smaller n_ctx or batch"
        )
