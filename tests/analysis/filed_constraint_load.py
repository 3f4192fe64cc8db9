"""Under which names the numbers of a claim's figure stand in golden/measures.json: those by which they were
first kept, so that what they come to is compared across every change of the records that hold them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from analysis.constraint_load.regimes import MEASURES, REGIMES

Arrays = Mapping[str, Any]


def attributes(record: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in names}


GRID = (
    "width",
    "K",
    "bandwidth",
    "accuracy",
    "violation",
    "divergence",
    "kinds",
    "untrained_accuracy",
    "untrained_kinds",
    "relative",
    "null",
)


def of_grid(grid: Any) -> Arrays:
    return attributes(grid, *GRID, "sharpness", "null_sharpness", "critical")


def of_transition(t: Any) -> Arrays:
    return attributes(t.grid, *GRID) | attributes(t, "sharpness", "null_sharpness", "critical")


def of_kinds(grid: Any) -> Arrays:
    from analysis.constraint_load.cl8_pathologies import exchanged, lead

    return of_grid(grid) | {"lead_exchanged": lead(grid.relative, exchanged(grid.kinds))}


def of_subsets(shown: Any) -> Arrays:
    one = next(iter(shown.networks.values()))
    own = {
        f"{role} {name}": x
        for role, m in shown.networks.items()
        for name, x in attributes(m, "mass", "relative", "untrained").items()
    }
    return attributes(one, "load", "count") | own


def of_pairs(shown: Any) -> Arrays:
    one = next(iter(shown.networks.values()))
    own = {
        f"{model} {regime} {name}": getattr(e, name)[regime]
        for model, e in shown.networks.items()
        for regime in REGIMES
        for name in MEASURES
    }
    bases = {f"{model} base": e.base for model, e in shown.networks.items()}
    return attributes(one, "interaction", "load") | own | bases


def of_budget(b: Any) -> Arrays:
    ways = {
        f"{which}_{way}": x for which in ("joint", "alone") for way, x in getattr(b.allocated, which).items()
    }
    own = {
        "checks": b.r,
        "dimension": b.held.dimension,
        "between": b.held.between,
        "untrained_between": b.untrained.between,
        "shuffled": b.allocated.shuffled,
    }
    return attributes(b, "bandwidth", "critical") | own | ways


def of_heads(e: Any) -> Arrays:
    names = ("mass", "rows", "output", "prediction", "shuffled", "by_load")
    return {
        f"{which} {name}": x
        for which, heads in (("trained", e.trained), ("untrained", e.untrained))
        for name, x in (
            attributes(heads, *names)
            | {
                "prediction correlation": heads.given_rows("prediction"),
                "correlation": heads.given_rows(),
            }
        ).items()
    }


def of_strain(s: Any) -> Arrays:
    rows = [s.predicts(), s.of_load(), s.correlation(s.norm), s.correlation(s.untrained)]
    names = ("names", "load", "torque", "untrained", "norm", "cosine", "damage", "null")
    return attributes(s, *names) | {
        "correlations": np.stack(rows),
        "given load": s.predicts(given_load=True),
    }


def of_energy(e: Any) -> Arrays:
    found: dict[str, Any] = {"units": np.array(["balanced", "own"])}
    for which, t in (("trained", e.trained), ("untrained", e.untrained)):
        found |= {
            f"{which} kinetic": t.unit[:, None] * t.kinetic,
            f"{which} own kinetic": t.kinetic,
            f"{which} potential": t.potential,
            f"{which} variation": np.stack([t.balanced, t.own], 1),
        }
    return found


FILED: dict[str, Callable[[Any], Arrays]] = {
    "CL1": of_transition,
    "CL2": of_subsets,
    "CL3": of_pairs,
    "CL4": of_budget,
    "CL5": of_heads,
    "CL6": of_strain,
    "CL7": of_energy,
    "CL8": of_kinds,
}
"""From the record that a figure is drawn from, by claim; the arrays of others stand under their paths."""
