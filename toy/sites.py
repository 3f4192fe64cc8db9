"""Named places inside a network: where values are read, and where an intervention may write."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax

Edit = Mapping[str, Callable[[jax.Array], jax.Array]]


class ModelError(ValueError):
    """A configuration, input or site that the network cannot accept; the message says which value and the
    remedy.
    """


def shown(value: Any) -> str:
    """A value in a sentence: on one line, and not long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # whatever it is, it cannot even be written: an integer of ten thousand digits, say
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


class Sites:
    """Collects what passes every site of one forward pass, after applying the edits asked for."""

    def __init__(self, known: Iterable[str], edit: Edit | None):
        known = list(known)
        if edit is not None and not (isinstance(edit, Mapping) and all(map(callable, edit.values()))):
            raise ModelError(
                f"edit is {shown(edit)}; it must give a function for each site to edit, as "
                f"{{'logits': lambda value: value}}"
            )
        for site in edit or {}:
            if site not in known:
                near = difflib.get_close_matches(str(site), known, n=1, cutoff=0.0)[0]
                raise ModelError(
                    f"there is no site {site!r} to edit; the nearest is {near!r} (all: {', '.join(known)})"
                )
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
        if getattr(edited, "shape", None) != value.shape:
            raise ModelError(
                f"the edit at {site!r} returned shape {getattr(edited, 'shape', None)}; it must keep "
                f"{value.shape}"
            )
        return edited
