"""What figures work out from their records, by claim: its numbers are golden as well."""

from collections.abc import Callable, Mapping
from typing import Any

from analysis.belief_geometry.bg13_write_belief import EDITS
from analysis.belief_geometry.bg14_erase_belief import KINDS
from analysis.belief_geometry.bg15_transfer import TARGETS, Transfer
from analysis.constraint_load.cl8_pathologies import exchanged, lead

Numbers = Mapping[str, Any]


def learning(t: Transfer) -> Numbers:
    return {r: t.smooth(r) for r in TARGETS} | {f"steps {r}": t.steps(r) for r in TARGETS}


def kinds(f: Any) -> Numbers:
    return {"relative": f.relative, "lead_exchanged": lead(f.relative, exchanged(f.kinds))}


def heads(e: Any) -> Numbers:
    both = {"trained": e.trained, "untrained": e.untrained}
    of_outputs = {f"{which} correlation": h.given_rows() for which, h in both.items()}
    return of_outputs | {
        f"{which} prediction correlation": h.given_rows("prediction") for which, h in both.items()
    }


def strain(s: Any) -> Numbers:
    rows = [s.foretells(), s.correlation(s.load), s.correlation(s.norm), s.correlation(s.untrained)]
    given = [s.beyond(s.load), s.beyond(s.norm), s.beyond(s.load, s.norm)]
    return {"correlations": rows, "given": given}


WORKED_OUT: Mapping[str, Callable[[Any], Numbers]] = {
    "BG6": lambda e: {"own": e.with_own_loss(), "others": e.with_loss_of_others()},
    "BG7": lambda c: {"knee": c.knee},
    "BG13": lambda w: {"edits": EDITS},
    "BG14": lambda e: {"kinds": KINDS},
    "BG15": learning,
    "CL1": lambda t: {"relative": t.grid.relative},
    "CL5": heads,
    "CL6": strain,
    "CL8": kinds,
}
