"""Named places inside a network: where values are read, and where an intervention may write."""

import difflib
from collections.abc import Callable, Iterable, Mapping

import jax

Edit = Mapping[str, Callable[[jax.Array], jax.Array]]


class ModelError(ValueError):
    """A configuration, input or site that the network cannot accept; the message says which value and the remedy."""


class Sites:
    """Collects what passes every site of one forward pass, after applying the edits asked for."""

    def __init__(self, known: Iterable[str], edit: Edit | None):
        known = list(known)
        for site in edit or {}:
            if site not in known:
                near = difflib.get_close_matches(site, known, n=1, cutoff=0.0)[0]
                raise ModelError(f"there is no site {site!r} to edit; the nearest is {near!r} (all: {', '.join(known)})")
        self.edit = edit or {}
        self.seen: dict[str, jax.Array] = {}

    def __call__(self, site: str, value: jax.Array) -> jax.Array:
        """Record `value` as what passes this site, edited if asked; returns what flows on."""
        self.seen[site] = value = self.edited(site, value)
        return value

    def edited(self, site: str, value: jax.Array) -> jax.Array:
        """What the edit asked for at this site makes of `value`, if there is one."""
        if site not in self.edit:
            return value
        edited = self.edit[site](value)
        if edited.shape != value.shape:
            raise ModelError(f"the edit at {site!r} returned shape {edited.shape}; it must keep {value.shape}")
        return edited
