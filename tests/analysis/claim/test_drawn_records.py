"""Records of arrays are kept field by field, and come back as they were; others are refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from jaxtyping import Float

from analysis.claim.shown import LayoutError, arrays, restored, restored_among


class Role(NamedTuple):
    model: str
    pair: int


@dataclass(frozen=True, eq=False)
class Inner:
    mass: Float[np.ndarray, "seeds"]
    sites: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Outer:
    name: str
    n: int
    by_regime: Mapping[str, Float[np.ndarray, "seeds P"]]
    by_role: Mapping[Role, Inner]
    inners: tuple[Inner, ...]
    rows: list[float]
    gone: Inner | None
    there: Inner | None


INNER = Inner(np.arange(3.0), ("embed", "blocks.0.resid_post"))
OUTER = Outer(
    name="a/b",
    n=4,
    by_regime={"together": np.eye(2), "sequential": np.zeros((2, 2)), "[b] 50 %/c": np.ones((2, 2))},
    by_role={Role("gru", 2): INNER, Role("a/b", 0): INNER},
    inners=(INNER, INNER),
    rows=[0.5, 1.5],
    gone=None,
    there=INNER,
)


def equal(a: Inner, b: Inner) -> bool:
    return np.array_equal(a.mass, b.mass) and a.sites == b.sites


def test_a_record_comes_back(tmp_path):
    np.savez(tmp_path / "shown.npz", **arrays(OUTER))
    with np.load(tmp_path / "shown.npz") as kept:
        back = restored(Outer, {name: kept[name] for name in kept.files})
    assert (back.name, back.n, back.rows, back.gone) == (OUTER.name, OUTER.n, OUTER.rows, None)
    assert list(back.by_regime) == list(OUTER.by_regime)
    assert all(np.array_equal(back.by_regime[k], v) for k, v in OUTER.by_regime.items())
    assert list(back.by_role) == list(OUTER.by_role) and type(next(iter(back.by_role))) is Role
    assert all(equal(a, INNER) for a in (*back.by_role.values(), *back.inners, back.there))
    assert len(back.inners) == 2


def test_other_arrays_are_refused():
    kept = arrays(INNER)
    with pytest.raises(LayoutError, match="mass is missing"):
        restored(Inner, {"sites": kept["sites"]})
    with pytest.raises(LayoutError, match="Inner has no more"):
        restored(Inner, kept | {"more": np.zeros(1)})
    with pytest.raises(LayoutError):
        restored(Outer, kept)


def test_a_record_is_found_among_other_arrays():
    beside = {"loss": np.zeros(2), "massive": np.zeros(1), "sites_of/more": np.zeros(1)}
    assert equal(restored_among(Inner, beside | arrays(INNER)), INNER)
    with pytest.raises(LayoutError, match="mass is missing"):
        restored_among(Inner, beside)


def test_a_mapping_is_kept_as_it_is():
    kept = arrays({"one thing": np.arange(2), "number": 3.0})
    assert list(kept) == ["one thing", "number"] and kept["number"].shape == ()
