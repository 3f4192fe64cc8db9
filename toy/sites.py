"""Named places inside a network: where values are read, and where an intervention may write."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Place:
    """Where a site is, and what passes there.

    >>> from toy.sites import Place
    >>> Place.of("blocks.2.attn.z")
    Place(kind='attn.z', block=2)
    >>> Place("final_norm").name, Place("mlp_out", 0).name
    ('final_norm', 'blocks.0.mlp_out')
    """

    kind: str
    """What its name ends in: "resid_post", "attn.z", "logits"; any other name is a kind of its own."""
    block: int | None = None
    """None outside blocks."""

    @classmethod
    def of(cls, site: str) -> "Place":
        """The place of a name."""
        found = IN_BLOCK.fullmatch(site)
        return cls(found[2], int(found[1])) if found else cls(site)

    @property
    def name(self) -> str:
        """Its name, as networks and edits have it."""
        return self.kind if self.block is None else f"blocks.{self.block}.{self.kind}"

    @property
    def axes(self) -> tuple[str, ...]:
        """What the axes are called after those of words and positions; "channel" is of the stream's width."""
        return AXES.get(self.kind, ("channel",))

    @property
    def of_pairs(self) -> bool:
        """Whether a number passes for every pair of positions; heads then come before positions."""
        return "key" in self.axes

    @property
    def adds(self) -> bool:
        """Whether what passes is what a block adds to the stream."""
        return self.block is not None and self.kind in ("attn_out", "mlp_out")

    @property
    def carries(self) -> bool:
        """Whether what passes is a state, which goes on from position to position."""
        return self.kind == "state"

    @property
    def hook(self) -> str | None:
        """Its name in TransformerLens; None where that has no hook."""
        group, dot, last = self.kind.rpartition(".")
        theirs = HOOKS.get(self.kind, f"{group}{dot}hook_{last}")
        return None if theirs is None else Place(theirs, self.block).name


IN_BLOCK = re.compile(r"blocks\.(0|[1-9][0-9]*)\.(.+)")
AXES: Mapping[str, tuple[str, ...]] = {
    "logits": ("symbol",),
    "state": ("unit",),
    **dict.fromkeys(("attn_pattern", "attn.attn_scores"), ("head", "key")),
    **{f"attn.{name}": ("head", "head_channel") for name in ("q", "k", "v", "rot_q", "rot_k", "z")},
    **dict.fromkeys(("mlp.pre", "mlp.post"), ("neuron",)),
    **{f"{norm}.scale": ("one",) for norm in ("ln1", "ln2", "ln_final")},
}
"""By kind, where it is not a vector as wide as the stream."""
HOOKS: Mapping[str, str | None] = {
    "attn_pattern": "attn.hook_pattern",
    "final_norm": "ln_final.hook_normalized",
    "logits": None,
    "state": None,
}
"""What TransformerLens calls kinds where its name is not ours with a `hook_`; None where it has no hook."""


def hook_name(site: str) -> str | None:
    """The name of a site in TransformerLens; None for logits, which its models return, and for states, which
    they have not.
    """
    if not isinstance(site, str):
        raise ModelError(f"site is {shown(site)}; it must be a string, as 'blocks.0.attn.q'")
    return Place.of(site).hook


def residual_stream(n_layers: int) -> tuple[str, ...]:
    """The sites along the residual stream: before the first block, then after each."""
    return (
        Place("resid_pre", 0).name,
        *(Place("resid_post", i).name for i in range(n_layers)),
    )


def _nearest(site: object, known: list[str]) -> str:
    return difflib.get_close_matches(str(site), known, n=1, cutoff=0.0)[0]
