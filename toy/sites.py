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
    """Collects what passes the sites of one forward pass, after applying the edits asked for.

    `kept` are those that are asked for, `plain` ones by default; beside those there are `inner` ones. What is
    neither kept nor edited leaves no trace in the program.
    """

    def __init__(
        self,
        plain: Iterable[str],
        edit: Edit | None,
        kept: Iterable[str] | None = None,
        inner: Iterable[str] = (),
    ):
        plain = tuple(plain)
        known = [*plain, *inner]
        if kept is not None and (isinstance(kept, str) or not isinstance(kept, Iterable)):
            raise ModelError(f"sites is {shown(kept)}; it must be a list of names, as ['logits']")
        self.kept = plain if kept is None else tuple(kept)
        for site in self.kept:
            if site not in known:
                raise ModelError(
                    f"there is no site {shown(site)} to read; the nearest is {_nearest(site, known)!r} "
                    "(config.sites and config.inner_sites list them all)"
                )
        if edit is not None and not (isinstance(edit, Mapping) and all(map(callable, edit.values()))):
            raise ModelError(
                f"edit is {shown(edit)}; it must give a function for each site to edit, as "
                f"{{'logits': lambda value: value}}"
            )
        for site in edit or {}:
            if site not in known:
                raise ModelError(
                    f"there is no site {shown(site)} to edit; the nearest is {_nearest(site, known)!r} "
                    "(config.sites and config.inner_sites list them all)"
                )
        self.edit = edit or {}
        self.seen: dict[str, jax.Array] = {}

    def __call__(self, site: str, value: jax.Array) -> jax.Array:
        """Record `value` as what passes this site, edited if asked; returns what flows on."""
        value = self.edited(site, value)
        self.record(site, value)
        return value

    def record(self, site: str, value: jax.Array) -> None:
        """Keep what passes this site, if it is asked for."""
        if site in self.kept:
            self.seen[site] = value

    def wants(self, site: str) -> bool:
        """Whether what passes this site is read or edited."""
        return site in self.kept or site in self.edit

    @property
    def read(self) -> dict[str, jax.Array]:
        """What passed the sites asked for, in the order in which they were."""
        return {site: self.seen[site] for site in self.kept}

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


NOWHERE = Sites((), None)
"""For layers outside a network: nothing is read or edited."""
HOOKS: Mapping[str, str | None] = {
    "attn_pattern": "attn.hook_pattern",
    "final_norm": "ln_final.hook_normalized",
    "logits": None,
    "state": None,
}
"""What TransformerLens calls sites where its name is not ours with a `hook_`, by the end of our name; None
where it has no hook.
"""


def hook_name(site: str) -> str | None:
    """The name of a site in TransformerLens; None for logits, which its models return, and for states, which
    they have not.
    """
    if not isinstance(site, str):
        raise ModelError(f"site is {shown(site)}; it must be a string, as 'blocks.0.attn.q'")
    begin, dot, last = site.rpartition(".")
    hook = HOOKS.get(last, f"hook_{last}")
    return None if hook is None else f"{begin}{dot}{hook}"


def _nearest(site: object, known: list[str]) -> str:
    return difflib.get_close_matches(str(site), known, n=1, cutoff=0.0)[0]
