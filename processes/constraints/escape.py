"""How probability escapes from a restricted process: P(survive n | pair) ~ beta(pair) n^degree radius^n."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int
from scipy.linalg import eig
from scipy.sparse import csr_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from ..algebra.graph import reaching
from ..process import ProcessError
from ..values.checks import checked
from ..values.record import Record
from .perron import Perron, perron
from .restricted import Restricted

TIE = 1e-10
"""Relative distance below which two classes escape at one rate: eigenvalues of equal blocks differ by a few
float64 roundings.
"""


EQUAL = 1e-8
"""Relative distance below which eigenvalues of a signed operator are one: semisimple ones differ by rounding
times their condition (at most 1 / DEFECTIVE), while rounding parts a double defective one by 1e-8 and more.
"""

DEFECTIVE = 1e-6
"""Least overlap of unit left and right eigenvectors of an eigenvalue that is taken for semisimple; a
defective one has 1e-8 or less.
"""

UNSEEN = 1e-9
"""Share of an eigenvalue in the probability of survival that is put down to rounding."""


@dataclass(frozen=True, eq=False)
class Escape(Record):
    """The leading term of survival: radius 0 if no arbitrarily long word of positive probability satisfies
    the constraint.

    `beta` is a right Perron vector: T_C beta = radius beta, zero on pairs that survive at a lower order than
    the start does.
    """

    radius: float
    degree: int
    beta: Float64[np.ndarray, "P"]


class Classes(NamedTuple):
    """The useful pairs of a restricted operator, split into communicating classes."""

    A: csr_array  # (P, P), the operator on useful pairs
    final: Float64[np.ndarray, "P"]
    label: Int[np.ndarray, "P"]  # class of each pair
    members: list[Int[np.ndarray, "m"]]  # pairs of each class
    roots: list[Perron]  # of each class
    radius: float  # the largest of theirs
    dominant: Bool[np.ndarray, "C"]  # which classes have it
    level: Int[np.ndarray, "P"]  # most dominant classes that one walk from each pair can pass through


@checked
def escape(r: Restricted) -> Escape:
    """Radius, polynomial degree and Perron vector of a restricted operator.

    HMM: of the communicating classes that the start reaches, and from which a final pair can be reached,
    those of the largest radius dominate. K of them in a row make P(survive n) grow like n^(K-1) radius^n, and
    beta is the leading Laurent coefficient of (z - T_C)^-1 final at z = radius: lim P(survive n | pair) /
    (n^degree radius^n), averaged over n within a period, up to one factor. It exists for periodic and for
    reducible operators too; derived in docs/theory/escape_coefficients.md (Rothblum 1975; Seneta 2006).

    Generalised HMM: signs may cancel, so the radius is the largest modulus of an eigenvalue with a non-zero
    share in P(survive n), and beta = Z final with Z the projector on the eigenspace of the radius. Raises
    `ProcessError` where the radius is no eigenvalue or not a semisimple one (degree > 0): the order of its
    pole cannot be told from rounding there.
    """
    if r.base.kind == "ghmm":
        return _signed(r)
    empty = Escape(0.0, 0, np.zeros(len(r)))
    useful = reaching(r.chain, r.final > 0)
    if not useful.any() or not r.start[useful].any():
        return empty
    c = _classes(r.chain[useful][:, useful], r.final[useful])
    if c.radius == 0:  # no cycle: every word violates the constraint in the end
        return empty
    # Of the pairs that the start can be in, those of the highest level survive at the highest order.
    top = int(c.level[r.start[useful] > 0].max())
    g = np.zeros(len(c.final))
    for k in range(top + 1):
        g = _coefficients(c, k, g)
    beta = np.zeros(len(r))
    beta[useful] = np.where(c.level == top, g, 0.0)
    return Escape(c.radius, top - 1, beta / beta.max())


def _classes(A: csr_array, final: Float64[np.ndarray, "P"]) -> Classes:
    n, label = connected_components(A, directed=True, connection="strong")
    members = np.split(np.argsort(label, kind="stable"), np.cumsum(np.bincount(label))[:-1])
    roots = [perron(A[c][:, c]) for c in members]
    radius = max(root.radius for root in roots)
    dominant = np.array([root.radius >= radius * (1 - TIE) for root in roots])
    return Classes(A, final, label, members, roots, radius, dominant, _levels(A, label, dominant))


def _coefficients(c: Classes, k: int, lower: Float64[np.ndarray, "P"]) -> Float64[np.ndarray, "P"]:
    """Leading coefficients g on the pairs of level k, whose pole at the radius is of order k, given `lower`,
    those of level k - 1.
    """
    g, here = lower.copy(), c.level == k
    inside = c.dominant[c.label]  # pairs of dominant classes
    # A dominant class raises the order of what flows into it by one: g = v (u . source) / (u . v) on it, with
    # the source one step away on level k - 1, where a class of level 1 has `final` itself.
    source = c.A @ np.where(c.level == k - 1, lower, 0.0) + (c.final if k == 1 else 0.0)
    for number in np.flatnonzero(c.dominant):
        pairs = c.members[number]
        if c.level[pairs[0]] == k:
            _, v, u = c.roots[number]
            g[pairs] = v * (u @ source[pairs]) / (u @ v)
    # All other pairs of the level only pass on what follows them: (radius - A) g = what they see of it.
    rest = np.flatnonzero(here & ~inside)
    if len(rest):
        known = c.A[rest] @ np.where(here & inside, g, 0.0) + (c.final[rest] if k == 0 else 0.0)
        passing = (c.radius * eye_array(len(rest)) - c.A[rest][:, rest]).tocsc()
        g[rest] = np.atleast_1d(spsolve(passing, known))
    # Within a level only ratios matter, so they are kept near one; but level 0 stands beside `final`.
    return np.where(here, g / g[here].max(), g) if k else g


def _levels(
    A: csr_array, label: Int[np.ndarray, "P"], dominant: Bool[np.ndarray, "C"]
) -> Int[np.ndarray, "P"]:
    """Most dominant classes that one walk from each pair can pass through: the longest walk of the graph of
    classes, which has no cycles.
    """
    i, j = A.nonzero()
    edge = label[i] != label[j]
    i, j = label[i[edge]], label[j[edge]]
    level = dominant.astype(int)
    while True:
        longer = level.copy()
        np.maximum.at(longer, i, level[j] + dominant[i])
        if (longer == level).all():
            return level[label]
        level = longer


def _signed(r: Restricted) -> Escape:
    """The leading eigenvalue with a share in P(survive n) = sum_k share_k value_k^n, share_k = start Z_k
    final, Z_k its projector.

    Eigenvalues are tried from the largest on, so that the nilpotent part, which has no eigenvectors, is never
    asked for any.
    """
    A = r.chain.toarray()
    if not _survives(r, A):
        return Escape(0.0, 0, np.zeros(len(r)))
    values, left, right = eig(A, left=True, right=True)
    for value in values[np.argsort(-np.abs(values), kind="stable")]:
        vector = _projected(r.final, value, values, left, right)
        if vector is None:
            break
        if abs(r.start @ vector) < UNSEEN:
            continue
        beta = _projected(r.final, abs(value), values, left, right)
        if beta is None or abs(r.start @ beta) < UNSEEN:
            break
        return Escape(float(abs(value)), 0, beta.real)
    raise ProcessError(
        f"words of {r.base.name} survive {r.constraint.name} by no semisimple positive eigenvalue, as a "
        "generalised HMM needs "
        "(beside powers of n it cannot be resolved); use finite_load, horizon or an HMM"
    )


def _projected(
    vector: np.ndarray, value: complex | float, values: np.ndarray, left: np.ndarray, right: np.ndarray
) -> np.ndarray | None:
    """Z vector, Z = R (L^+ R)^-1 L^+ the projector on the eigenspace of `value`; None where there is none: no
    such eigenvalue, or a defective one, whose left and right eigenvectors are orthogonal in some direction.
    """
    same = np.abs(values - value) < EQUAL * abs(value)
    L, R = left[:, same].conj().T, right[:, same]
    overlap = L @ R
    if not same.any() or np.linalg.svd(overlap, compute_uv=False)[-1] < DEFECTIVE:
        return None
    return R @ np.linalg.solve(overlap, L @ vector)


def _survives(r: Restricted, A: np.ndarray) -> bool:
    """Whether satisfying words as long as there are pairs exist; if not, the operator is nilpotent where
    words go.
    """
    row = r.start
    for _ in range(len(r)):
        row = row @ A
        mass = row @ r.base.w[r.pairs[:, 0]]
        if mass <= r.base.zero:
            return False
        row = row / mass
    return True
