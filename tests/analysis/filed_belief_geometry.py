"""The arrays of a figure by the names under which golden/measures.json has them, where the record that the
figure is drawn from has others.
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


FILED: dict[str, Callable[[Any], Arrays]] = {
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
