"""Verdicts in plain words, and their findings as rows of a table."""

from collections.abc import Mapping
from typing import Any

from ..claim import MARKS, came, must
from ..families import CLAIMS

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


def plainly(verdict: Mapping[str, Any]) -> str:
    """What a verdict means, in a sentence or two."""
    n, reason = verdict["networks"], verdict["reason"]
    on = f"On {n} networks" if n else "Without any network"
    match verdict["outcome"]:
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
            if verdict.get("needed"):
                said += f" {verdict['needed']} networks like these would decide."
    again = verdict.get("again")
    if again is not None:
        said += f" The same test on other networks would end so with probability {again:.2f}."
    return said


def findings(verdict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Criteria, then controls, then rivals, as rows: what was asked, what came, and what it means."""
    means = meanings(verdict)
    rows = [_row(f, "criterion", means) for f in verdict["criteria"]]
    rows += [_row(f, "control", means) for f in verdict["controls"] if not f["rival"]]
    return rows + [_row(f, "rival", means) for f in verdict["controls"] if f["rival"]]


def meanings(verdict: Mapping[str, Any]) -> Mapping[str, str]:
    """What controls of a verdict would mean if they failed, by name: today's words, or, of a claim that is
    not ours, those kept with it.
    """
    claim = CLAIMS.get(verdict["claim"])
    return verdict.get("means", {}) if claim is None else claim.means


def _row(f: Mapping[str, Any], kind: str, means: Mapping[str, str]) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": f["name"],
        "must": must(f),
        "came": came(f),
        "state": f["state"],
        "told": STATES[f["state"]],
        "mark": MARKS[f["state"]],
        "meaning": _meaning(f, kind, means),
        "strip": strip(f),
    }


def _meaning(f: Mapping[str, Any], kind: str, means: Mapping[str, str]) -> str:
    """What a control says by coming out, or would have said by not doing so."""
    if f["state"] == "does not apply":
        return "This process gives it nothing to discriminate, so it has no say."
    if kind == "criterion":
        return {"holds": "As claimed.", "open": "Not yet decided."}.get(f["state"], "Against the claim.")
    failed = f["state"] in ("fails", "undefined")
    return f"{'It fails, so' if failed else 'Otherwise'} {otherwise(f, kind, means)}"


def otherwise(f: Mapping[str, Any], kind: str, means: Mapping[str, str]) -> str:
    """What it means if a criterion or control is not where it must be; `means` is of those of the instrument,
    by name.
    """
    if kind == "criterion":
        return "the claim is refuted."
    if f["rival"]:
        return f"what is seen can be had from {f['rival']}: explained by that."
    why = means.get(f["name"], "the instrument does not measure what it is meant to")
    return f"{why}: invalid."


def strip(f: Mapping[str, Any]) -> dict[str, Any] | None:
    """A finding on a line, in per cent of its width: each network, the interval, and where it must not be."""
    if f["interval"] is None or not f["values"]:
        return None
    mean, low, high = f["interval"]
    sides = [v for v in (f["above"], f["below"]) if v is not None]
    bounds = [v for v in (low, high) if v is not None] if f["share"] is None else []
    reach = [*f["values"], *sides, *bounds]
    margin = 0.06 * ((max(reach) - min(reach)) or abs(reach[0]) or 1.0)
    first, last = min(reach) - margin, max(reach) + margin

    def at(value: float) -> float:
        return round(100 * (value - first) / (last - first), 3)

    forbidden = [] if f["above"] is None else [(0.0, at(f["above"]))]
    forbidden += [] if f["below"] is None else [(at(f["below"]), round(100 - at(f["below"]), 3))]
    return {
        "values": [at(v) for v in f["values"]],
        "mean": at(mean),
        "interval": [at(v) for v in bounds] if len(bounds) == 2 else None,
        "forbidden": forbidden,  # where it begins, and how wide it is
        "sides": [at(v) for v in sides],
    }
