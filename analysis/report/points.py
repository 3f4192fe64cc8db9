"""The histories of a run as points of a page: where they lie in the truth and in networks, and what is known
of each.
"""

from dataclasses import dataclass
from math import gcd
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from ..figures.beliefs import SEEN, principal
from ..figures.record import Record
from ..figures.simplex import CORNER_POSITIONS
from ..figures.style import placed
from ..figures.views import MOST_CORNERS, near

BYTES = 3_000_000
"""What all that is known of the histories may take, before it is compressed; of more, some are left out."""
UNFOLDED = 12_000
"""Most histories that are followed over training."""
MOST_STATES = 16
"""Hidden states up to which the belief of a history is told."""
Kind = Literal["triangle", "axes", "line"]


@dataclass(frozen=True, eq=False)
class Plane:
    """How beliefs lie on a page: on the triangle of three hidden states, along principal axes, or, where they
    vary along one axis, probed against exact ones.
    """

    kind: Kind
    features: str
    """Of the report: what the points are probed from."""
    mean: Float[np.ndarray, "S"]
    axes: Float[np.ndarray, "k S"]
    labels: tuple[str, ...]
    """What each axis is, in words."""
    names: tuple[str, ...]
    """Of the hidden states."""

    def place(self, points: Float[np.ndarray, "... S"]) -> Float[np.ndarray, "... k"]:
        """Where beliefs lie."""
        return np.asarray((points - self.mean) @ self.axes.T)

    @property
    def corners(self) -> Float[np.ndarray, "S k"] | None:
        """Where the hidden states themselves lie, where these are few."""
        n = len(self.mean)
        return self.place(np.eye(n)) if n <= MOST_CORNERS else None


def plane(record: Record) -> Plane:
    """The plane of the beliefs of a run."""
    belief = record.evidence["belief"]
    n, mixtures = belief.shape[1], bool(belief.min() >= -1e-9)
    names = tuple(map(str, record.report.get("states") or range(n)))
    if n == 3 and mixtures:
        return Plane("triangle", "final", np.zeros(3), CORNER_POSITIONS.T, ("", ""), names)
    axes, share = principal(record)
    if n == 2 and mixtures:
        return Plane("line", "concatenated", np.zeros(2), np.eye(2)[1:], (f"P(state {names[1]})",), names)
    labels = tuple(f"axis {k + 1} ({part:.0%})" for k, part in enumerate(share))
    if len(axes) == 1:
        return Plane("line", "concatenated", record.evidence["mean"], axes, labels, names)
    most = 4 if len(axes) > 3 and share[3] > SEEN else 3 if len(axes) > 2 and share[2] > SEEN else 2
    return Plane("axes", "concatenated", record.evidence["mean"], axes[:most], labels[:most], names)


def shown(record: Record) -> Int[np.ndarray, "N"]:
    """The contexts that are drawn, in their order: those whose histories were held out, all of them or, where
    they are too many for a page, every so-manieth.
    """
    scored = np.flatnonzero(record.evidence["fold"] >= 0)
    S, V = record.evidence["belief"].shape[1], record.evidence["next_token"].shape[1]
    each = 6 * len(plane(record).axes) + 2 * (S if S <= MOST_STATES else 0) + 4 * (V - 1) + 5
    return scored[:: _step(len(scored) * each, BYTES, V)]


def unfolded(record: Record) -> Int[np.ndarray, "n"]:
    """The contexts that are followed over training: all that are drawn, or every so-manieth of them."""
    drawn = shown(record)
    return drawn[:: _step(len(drawn), UNFOLDED, record.evidence["next_token"].shape[1])]


def _step(many: int, most: int, vocab: int) -> int:
    """The least step that leaves at most so many and has no factor in common with the number of symbols:
    contexts stand in the order of their words, and every third of three symbols ends in the same one.
    """
    step = max(1, -(-many // most))
    while gcd(step, vocab) > 1:
        step += 1
    return step


def typical(record: Record, which: str) -> int:
    """The network that is shown, `trained` or `untrained`: the median by the features of the plane."""
    of = plane(record).features
    layer = record.final if of == "final" else record.layer(of)
    return record.typical(layer[which]["r2"])


@dataclass(frozen=True, eq=False)
class Points:
    """What a page is told of the histories that it draws, rare ones first."""

    plane: Plane
    rows: Int[np.ndarray, "N"]
    """Which contexts they are."""
    arrays: dict[str, np.ndarray]
    r2: dict[str, float]
    """Held-out R2 of the networks that are shown."""
    drawn: int
    scored: int
    """How many histories are drawn, of how many that were held out."""
    inside: bool
    """Whether beliefs come so near the corners that these are drawn."""


def points(record: Record) -> Points:
    """All histories of a run that a page draws."""
    e, where = record.evidence, plane(record)
    rows = shown(record)
    rows = rows[np.argsort(e["weight"][rows], kind="stable")]
    exact, networks, r2 = where.place(e["belief"][rows]), {}, {}
    layer = record.final if where.features == "final" else record.layer(where.features)
    for which in ("trained", "untrained"):
        seed = typical(record, which)
        networks[which] = where.place(e[f"{which}_points_{where.features}"][seed][rows])
        r2[which] = layer[which]["r2"][seed]
    prediction = np.exp(e["trained_log_prediction"][typical(record, "trained")][rows].astype(np.float64))
    arrays = {
        "tokens": e["words"][rows],
        "exact": exact,
        **networks,
        "colour": (255 * placed(e["belief"][rows], exact)).round().astype(np.uint8),
        "size": _size(record, rows),
        "next_exact": e["next_token"][rows, :-1],  # the last follows
        "next_trained": prediction[:, :-1],
    }
    if e["belief"].shape[1] <= MOST_STATES:
        arrays["belief"] = e["belief"][rows]
    inside = where.corners is not None and near(exact, where.corners)
    return Points(where, rows, arrays, r2, len(rows), int((e["fold"] >= 0).sum()), inside)


def _size(record: Record, rows: np.ndarray) -> np.ndarray:
    """Diameters in tenths of a pixel: probable histories are larger, and many dots are small ones."""
    weight = record.evidence["weight"][rows]
    fine = min(1.0, (4000 / len(rows)) ** 0.35)
    if record.report.get("sampled") is not None:  # all equally likely
        return np.full(len(rows), 50 * fine).astype(np.uint8)
    return (np.minimum(32 + 60 * np.sqrt(weight / weight.max()), 90) * fine).clip(12).astype(np.uint8)
