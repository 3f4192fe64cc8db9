"""How probability escapes from a restricted process: P(survive n | pair) ~ beta(pair) n^degree radius^n."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import eig
from scipy.sparse import csr_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from ..algebra.graph import reaching
from ..process import ProcessError
from ..values.checks import checked
from ..values.record import Record
from .perron import perron
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
    beta: Float[np.ndarray, "P"]


@checked
def escape(r: Restricted) -> Escape:
    """Radius, polynomial degree and Perron vector of a restricted operator.

    HMM: the pairs split into communicating classes. Only classes that the start reaches, and from which a
    final pair can be reached, count; those of the largest radius dominate. K of them in a row make P(survive
    n) grow like n^(K-1) radius^n, and beta is the leading Laurent coefficient of (z - T_C)^-1 final at z =
    radius, built class by class from the projections v u / (u . v). So it exists for periodic and for
    reducible operators too: it is lim P(survive n | pair) / (n^degree radius^n), averaged over n within a
    period. (Classes and peripheral spectrum: Seneta 2006, ch. 1; Rothblum 1975 for the degree.)

    Generalised HMM: signs may cancel, so the radius is the largest modulus of an eigenvalue with a non-zero
    share in P(survive n), and beta = Z final with Z the projector on the eigenspace of the radius. Raises
    `ProcessError` where the radius is no eigenvalue or not a semisimple one (degree > 0): the order of its
    pole cannot be told from rounding there.
    """
    if r.base.kind == "ghmm":
        return _signed(r)
    useful = reaching(r.chain, r.final > 0)
    empty = Escape(0.0, 0, np.zeros(len(r)))
    if not useful.any() or not r.start[useful].any():
        return empty
    A, f = r.chain[useful][:, useful], r.final[useful]
    n, label = connected_components(A, directed=True, connection="strong")
    members = np.split(np.argsort(label, kind="stable"), np.cumsum(np.bincount(label))[:-1])
    roots = [perron(A[c][:, c]) for c in members]
    radius = max(p[0] for p in roots)
    if radius == 0:
        return empty
    dominant = np.array([p[0] >= radius * (1 - TIE) for p in roots])
    level = _levels(A, label, dominant)
    top = int(level[r.start[useful] > 0].max())
    g = np.zeros(len(f))
    for k in range(top + 1):
        g = _coefficients(A, f, k, level, label, dominant, members, roots, radius, g)
    beta = np.zeros(len(r))
    beta[useful] = np.where(level == top, g, 0.0)
    return Escape(radius, top - 1, beta / beta.max())


def _coefficients(A, f, k, level, label, dominant, members, roots, radius, lower) -> np.ndarray:
    """Leading coefficients on the pairs of level k (poles of order k), given those of level k-1."""
    g = lower.copy()
    source = A @ np.where(level == k - 1, lower, 0.0) + (f if k == 1 else 0.0)
    for c in np.flatnonzero(dominant):
        here = members[c]
        if level[here[0]] == k:
            _, v, u = roots[c]
            g[here] = v * (u @ source[here]) / (u @ v)
    rest = np.flatnonzero((level == k) & ~dominant[label])
    if len(rest):
        known = A[rest] @ np.where((level == k) & dominant[label], g, 0.0) + (f[rest] if k == 0 else 0.0)
        g[rest] = np.atleast_1d(spsolve((radius * eye_array(len(rest)) - A[rest][:, rest]).tocsc(), known))
    here = level == k
    return (
        np.where(here, g / g[here].max(), g) if k else g
    )  # within a level only ratios matter, but level 0 stands beside f


def _levels(A: csr_array, label: Int[np.ndarray, "P"], dominant: np.ndarray) -> Int[np.ndarray, "P"]:
    """Most dominant classes that one walk from each pair can pass through."""
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
