"""Parameters by the start of their dotted path: "embed", "blocks.0" or "blocks.0.attention"."""

from collections.abc import Iterable

import jax

import toy
from toy.inputs import by_path


def within(path: str, names: Iterable[str]) -> bool:
    """Whether a dotted path is one of the names or lies below one."""
    return any(path == name or path.startswith(name + ".") for name in names)


def named(tree: toy.Params, names: Iterable[str]) -> toy.Params:
    """The same tree with, for each leaf, whether its path lies `within` the names."""
    return jax.tree.unflatten(jax.tree.structure(tree), [within(path, names) for path in by_path(tree)])
