"""Under which names the numbers of a claim's figure stand in golden/measures.json: those by which they were
first kept, so that what they come to is compared across every change of the records that hold them.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from analysis.belief_geometry.bg05_fractal_dimension import Scaling
from analysis.belief_geometry.bg11_constrained_update import Update
from analysis.belief_geometry.bg13_write_belief import EDITS
from analysis.belief_geometry.bg14_erase_belief import KINDS
from analysis.belief_geometry.bg15_transfer import TARGETS, Transfer
from analysis.belief_geometry.bg16_random_hmms import Census
from analysis.constraint_load.regimes import MEASURES, REGIMES

Arrays = Mapping[str, Any]


def fractal(s: Scaling) -> Arrays:
    kinds = {"true": s.true, "probed": s.probed, "untrained": s.untrained, "shuffled": s.shuffled}
    dimensions = {f"dimension_{name}": kind.dimension for name, kind in kinds.items()}
    dimensions["dimension_true"] = s.true.dimension[0]
    curves = {f"curve_{name}": kind.entropy for name, kind in kinds.items()}
    return dimensions | curves | {"box": s.box, "fitted": s.fitted}


def update(u: Update) -> Arrays:
    both = {"": u.trained, "untrained_": u.untrained}
    return {"attention": u.trained.attention, "attention_untrained": u.untrained.attention} | {
        f"{which}{read.site.split('.')[-1]}_{read.belief}": r2
        for which, layer in both.items()
        for read, r2 in layer.r2.items()
    }


def transfer(t: Transfer) -> Arrays:
    smooth, steps = ({role: of(role) for role in TARGETS} for of in (t.smooth, t.steps))
    return smooth | {f"steps {role}": n for role, n in steps.items()} | {"enough": t.enough["scratch"]}


def census(c: Census) -> Arrays:
    return {
        "dimension": c.share * (c.n_states - 1),
        "infinite": c.infinite.mean(1),
        "unresolved": (~c.infinite & ~c.finite).mean(1),
        "sparse_infinite": c.sparse_infinite.mean(1),
        "sparse_finite": c.sparse_finite.mean(1),
        "shape": np.array([c.vocab, c.n_states]),
    }


def of_fields(record: Any) -> dict[str, Any]:
    """The fields that need no other name."""
    return {f.name: getattr(record, f.name) for f in fields(record)}


GEOMETRY: dict[str, Callable[[Any], Arrays]] = {
    "BG1": lambda r: {"trained": r.trained, "untrained": r.untrained} | r.baselines,
    "BG2": lambda r: {"with": r.affine, "without": r.linear, "centred": r.linear_centred},
    "BG3": lambda r: {"trained": r.trained, "untrained": r.untrained} | r.baselines,
    "BG5": fractal,
    "BG6": lambda e: of_fields(e) | {"own": e.with_own_loss(), "others": e.with_loss_of_others()},
    "BG7": lambda c: {n: x for n, x in of_fields(c).items() if n != "controls"} | {"knee": c.knee},
    "BG8": lambda e: {
        f"{kind}_{name}": getattr(fidelity, kind)
        for name, fidelity in e.by_name.items()
        for kind in ("trained", "untrained", "excess")
    },
    "BG9": lambda o: {n: x for n, x in of_fields(o).items() if n != "controls"},
    "BG10": lambda f: {
        "variance": f.trained.variance,
        "variance_untrained": f.untrained.variance,
        "overlap": f.trained.overlap,
        "chance": f.trained.chance,
        "sizes": f.sizes,
    },
    "BG11": update,
    "BG13": lambda w: {"sites": w.sites, "edits": EDITS, "trained": w.trained, "untrained": w.untrained},
    "BG14": lambda e: {"kinds": KINDS, "worth": e.worth, "trained": e.trained, "untrained": e.untrained},
    "BG15": transfer,
    "BG16": census,
    "BG18": lambda f: {"n": f.n, "trained": f.trained, "untrained": f.untrained} | f.baselines,
}


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


LOAD: dict[str, Callable[[Any], Arrays]] = {
    "CL1": of_transition,
    "CL2": of_subsets,
    "CL3": of_pairs,
    "CL4": of_budget,
    "CL5": of_heads,
    "CL6": of_strain,
    "CL7": of_energy,
    "CL8": of_kinds,
}

FILED = GEOMETRY | LOAD
"""From the record that a figure is drawn from, by claim; the arrays of others stand under their paths."""
