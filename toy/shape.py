"""What every configuration must satisfy, and what every forward pass asks of its input."""

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

import jax

from .sites import ModelError
from .tree import Tree


def check_fields(config: Any, least: Mapping[str, int]) -> None:
    """Raise `ModelError` if a field is below its `least` value, or is none of the choices that its type lists."""
    for name, smallest in least.items():
        if getattr(config, name) < smallest:
            raise ModelError(f"{name} is {getattr(config, name)}; it must be at least {smallest}")
    for name, hint in get_type_hints(type(config)).items():
        if get_origin(hint) is Literal and getattr(config, name) not in get_args(hint):
            raise ModelError(f"{name} is {getattr(config, name)!r}; it must be one of {', '.join(get_args(hint))}")


def check_context(n_ctx: int, tokens: jax.Array, tree: Tree | None) -> int:
    """Number of positions that a forward pass has. Raises `ModelError` if they are more than `n_ctx`."""
    depth = tokens.shape[-1] if tree is None else tree.depth
    if depth > n_ctx:
        raise ModelError(f"the context has {depth} tokens but the model reads at most n_ctx = {n_ctx}; shorten it or raise n_ctx")
    return depth


def residual_stream(n_layers: int) -> tuple[str, ...]:
    """The sites along the residual stream: before the first block, then after each."""
    return ("blocks.0.resid_pre", *(f"blocks.{i}.resid_post" for i in range(n_layers)))
