"""A recurrent network as maps of its state, one for each symbol, over sets of states: the real-valued
function of the stored parameters.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

import toy

from ..forward import cast_up
from . import slopes
from .enclosure import ELEMENTARY, LONGEST, Enclosure, linear, point, up
from .slopes import Dual


class Layer(NamedTuple):
    """One cell: what it makes of its input and of its own state, before any nonlinearity."""

    into: Float[np.ndarray, "g d"]
    within: Float[np.ndarray, "g d"]
    bias: Float[np.ndarray, "g"]


Parts = tuple[Dual, ...]
"""What a cell carries: its hidden vector, and of an LSTM its memory after it."""


def _rnn(drive: Dual, own: Dual, state: Parts) -> Parts:
    return (slopes.tanh(drive + own),)


def _gru(drive: Dual, own: Dual, state: Parts) -> Parts:
    (xr, xz, xn), (hr, hz, hn) = drive.split(3), own.split(3)
    r, z = slopes.logistic(xr + hr), slopes.logistic(xz + hz)
    return (z.one_minus() * slopes.tanh(xn + r * hn) + z * state[0],)


def _lstm(drive: Dual, own: Dual, state: Parts) -> Parts:
    into, kept, new, out = (drive + own).split(4)
    memory = slopes.logistic(kept) * state[1] + slopes.logistic(into) * slopes.tanh(new)
    return slopes.logistic(out) * slopes.tanh(memory), memory


CELLS: Mapping[str, tuple[Callable[[Dual, Dual, Parts], Parts], int]] = {
    "rnn": (_rnn, 1),
    "gru": (_gru, 1),
    "lstm": (_lstm, 2),
}
"""What a cell carries next, from what comes of its input, of its hidden vector, and what it carried; and of
how many vectors that consists.
"""


class RecurrentMaps(NamedTuple):
    """Maps of the state (what the layers carry, one after the other) and what is read of it."""

    cell: str
    drive: Float[np.ndarray, "V d"]  # embedding of each symbol
    layers: tuple[Layer, ...]
    unembed: Float[np.ndarray, "V d"]

    @property
    def vocab(self) -> int:
        """Number of symbols."""
        return len(self.unembed)

    @property
    def carried(self) -> int:
        """Numbers that a layer carries."""
        return CELLS[self.cell][1] * self.unembed.shape[1]

    @property
    def width(self) -> int:
        """Numbers in a state."""
        return len(self.layers) * self.carried

    @property
    def read(self) -> slice:
        """Where the last hidden vector stands in a state."""
        first = self.width - self.carried
        return slice(first, first + self.unembed.shape[1])

    def step(
        self,
        mid: Float[np.ndarray, "B D"],
        rad: Float[np.ndarray, "B D"],
        token: Int[np.ndarray, "B"],
        *,
        slope: bool = False,
    ) -> Dual:
        """The next states of all states within a box, by one symbol each, (B, D); with their slopes, (B, D,
        D), if these are asked for.
        """
        cell, parts = CELLS[self.cell]
        before = slopes.state(mid, rad, slope).split(parts * len(self.layers))
        below = Dual(point(self.drive[token]))
        after: list[Any] = []
        for i, layer in enumerate(self.layers):
            own = tuple(before[parts * i : parts * (i + 1)])
            bias = Dual(point(np.broadcast_to(layer.bias, (len(mid), len(layer.bias)))))
            made = cell(slopes.linear(layer.into, below) + bias, slopes.linear(layer.within, own[0]), own)
            below = made[0]
            after += made
        return slopes.joined(after)

    def contrasts(self, token: int) -> Float[np.ndarray, "C d"]:
        """What logits of all other symbols minus that of one read of the last hidden vector."""
        return self.unembed[np.arange(self.vocab) != token] - self.unembed[token]

    def differences(self, state: Enclosure, token: int) -> Enclosure:
        """Logits of all other symbols minus that of one, (B, V - 1). Contrasts are rounded once, for which
        `linear` has room.
        """
        hidden = state.at(self.read)
        logits = linear(self.unembed, hidden)
        others = np.arange(self.vocab) != token
        exact = linear(self.contrasts(token), hidden)
        off = logits.off[..., others] + logits.off[..., [token]]
        return Enclosure(exact.mid, exact.rad, up(off))


def highest(difference: Float[np.ndarray, "*n C"]) -> Float[np.ndarray, "*n"]:
    """No less than the probability of a symbol whose logit is above the others by no more than minus
    `difference`: 1 / (1 + sum exp(difference)).
    """
    others = np.exp(difference).sum(-1) * (1 - 2 * ELEMENTARY)
    return np.minimum(up(1 / (1 + others)), 1.0)


def lowest(difference: Float[np.ndarray, "*n C"]) -> Float[np.ndarray, "*n"]:
    """No more than that probability, where it is above by no less."""
    with np.errstate(over="ignore"):
        others = np.exp(difference).sum(-1) * (1 + 2 * ELEMENTARY)
    return np.maximum(1 / up(1 + others) * (1 - 2 * ELEMENTARY), 0.0)


def recurrent_maps(config: toy.RecurrentConfig, params: toy.Params) -> RecurrentMaps:
    """The maps of one network. Raises `toy.ModelError` for one that is too wide, and for parameters that are
    not finite.
    """
    if config.d_model > LONGEST - 2:
        raise toy.ModelError(
            f"d_model is {config.d_model}; rounding is bounded for sums of {LONGEST} terms, so take a "
            f"network of at most {LONGEST - 2}"
        )
    given: Any = params
    layers = tuple(
        Layer(
            cast_up(block["dense_i"]["kernel"]).T,
            cast_up(block["dense_h"]["kernel"]).T,
            cast_up(block["dense_h" if config.cell == "lstm" else "dense_i"]["bias"]),
        )
        for _, block in sorted(given["blocks"].items(), key=lambda item: int(item[0]))
    )
    embedding = cast_up(given["embed"]["embedding"])
    unembed = embedding if config.tied else cast_up(given["unembed"]["kernel"]).T
    maps = RecurrentMaps(config.cell, embedding, layers, unembed)
    for leaf in (maps.drive, maps.unembed, *(x for layer in layers for x in layer)):
        if not np.isfinite(leaf).all():
            raise toy.ModelError(
                "a parameter is not a finite number, so nothing can be proved; train it again"
            )
    return maps
