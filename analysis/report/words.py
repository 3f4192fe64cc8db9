"""Verdicts in plain words, and their findings as rows of a table."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from ..claim import MARKS, Asked, Finding, Kept, State, Verdict, came, must
from ..families import CLAIMS

Kind = Literal["criterion", "control", "rival"]
"""What a finding is to its claim."""
SIGNS = {"supported": "✓", "refuted": "✗", "explained": "≈", "undecided": "?", "invalid": "!"}
"""Beside the colour of an outcome, for who cannot tell it."""
STATES = {
    "holds": "as asked",
    "fails": "on the other side",
    "open": "cannot be told yet",
    "undefined": "not a number",
    "does not apply": "does not apply here",
}
RULE = (
    (
        "invalid",
        "a control of the instrument fails: nothing is said about the claim, only about the instrument",
    ),
    ("undecided", "a control of the instrument cannot be told yet"),
    ("refuted", "a criterion lies on the other side of its threshold"),
    ("undecided", "a criterion's interval lies across its threshold"),
    ("explained", "the effect is there, and a rival does as well: that is a finding too"),
    ("undecided", "whether a rival does as well cannot be told yet"),
    ("supported", "none of these: every criterion lies beyond, the instrument works, no rival does as well"),
)
"""The rule of evidence: the first that is true is the outcome."""


class Strip(NamedTuple):
    """A finding on a line, in per cent of its width."""

    values: Sequence[float]
    mean: float
    interval: Sequence[float] | None
    forbidden: Sequence[tuple[float, float]]  # where it begins, and how wide it is
    sides: Sequence[float]


class Row(NamedTuple):
    """A finding in a table: what was asked, what came, and what it means."""

    kind: Kind
    name: str
    must: str
    came: str
    state: State
    told: str
    mark: str
    meaning: str
    strip: Strip | None


def plainly(verdict: Verdict) -> str:
    """What a verdict means, in a sentence or two."""
    n, reason = verdict.networks, verdict.reason
    on = f"On {n} networks" if n else "Without any network"
    match verdict.outcome:
        case "supported":
            said = f"{on} every criterion lies beyond its threshold, the controls came out, and no rival does"
            said += " as well."
        case "refuted":
            said = f"{on} the instrument works, and what is claimed is not so ({reason})."
        case "explained":
            said = f"{on} the effect is there, but {reason} would give it as well."
        case "invalid":
            said = f"{on} the instrument does not work here, so nothing is said about the claim: {reason}."
        case _:
            said = f"{on} this cannot be told yet: {reason}."
            if verdict.needed:
                said += f" {verdict.needed} networks like these would decide."
    if verdict.again is not None:
        said += f" The same test on other networks would end so with probability {verdict.again:.2f}."
    return said


def findings(verdict: Kept) -> list[Row]:
    """Criteria, then controls, then rivals, as rows."""
    means = meanings(verdict)
    rows = [_row(f, "criterion", means) for f in verdict.criteria]
    rows += [_row(f, "control", means) for f in verdict.controls if not f.rival]
    return rows + [_row(f, "rival", means) for f in verdict.controls if f.rival]


def meanings(verdict: Kept) -> Mapping[str, str]:
    """What controls of a verdict would mean if they failed, by name: today's words, or, of a claim that is
    not ours, those kept with it.
    """
    claim = CLAIMS.get(verdict.claim)
    return verdict.means if claim is None else claim.means


def _row(f: Finding, kind: Kind, means: Mapping[str, str]) -> Row:
    return Row(
        kind=kind,
        name=f.name,
        must=must(f),
        came=came(f),
        state=f.state,
        told=STATES[f.state],
        mark=MARKS[f.state],
        meaning=_meaning(f, kind, means),
        strip=strip(f),
    )


def _meaning(f: Finding, kind: Kind, means: Mapping[str, str]) -> str:
    """What a control says by coming out, or would have said by not doing so."""
    if f.state == "does not apply":
        return "This process gives it nothing to discriminate, so it has no say."
    if kind == "criterion":
        return {"holds": "As claimed.", "open": "Not yet decided."}.get(f.state, "Against the claim.")
    failed = f.state in ("fails", "undefined")
    return f"{'It fails, so' if failed else 'Otherwise'} {otherwise(f, kind, means)}"


def otherwise(asked: Asked | Finding, kind: Kind, means: Mapping[str, str]) -> str:
    """What it means if a criterion or control is not where it must be; `means` is of those of the instrument,
    by name.
    """
    if kind == "criterion":
        return "the claim is refuted."
    if asked.rival:
        return f"what is seen can be had from {asked.rival}: explained by that."
    why = means.get(asked.name, "the instrument does not measure what it is meant to")
    return f"{why}: invalid."


def strip(f: Finding) -> Strip | None:
    """Each network, the interval, and where it must not be."""
    if f.interval is None or not f.values:
        return None
    mean, low, high = f.interval
    sides = [v for v in (f.above, f.below) if np.isfinite(v)]
    bounds = [v for v in (low, high) if np.isfinite(v)] if f.share is None else []
    reach = [*f.values, *sides, *bounds]
    margin = 0.06 * ((max(reach) - min(reach)) or abs(reach[0]) or 1.0)
    first, last = min(reach) - margin, max(reach) + margin

    def at(value: float) -> float:
        return round(100 * (value - first) / (last - first), 3)

    forbidden = [(0.0, at(f.above))] if np.isfinite(f.above) else []
    forbidden += [(at(f.below), round(100 - at(f.below), 3))] if np.isfinite(f.below) else []
    return Strip(
        values=[at(v) for v in f.values],
        mean=at(mean),
        interval=[at(v) for v in bounds] if len(bounds) == 2 else None,
        forbidden=forbidden,
        sides=[at(v) for v in sides],
    )
