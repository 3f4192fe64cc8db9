"""Verdicts: what a claim's criteria and controls came to on its networks, and what follows by the rule of
evidence.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

import processes

from ..instruments.statistics import interval
from . import rule
from .rule import Finding, Looks, Outcome
from .statement import Claim, ClaimError, E, Values, finite

Joined = Float[np.ndarray, "networks"] | None
"""One number for each network of several looks: more than any of them has."""


class Measured(NamedTuple):
    """What everything that a claim asks for came to on some networks, in its order."""

    criteria: tuple[Values, ...]
    controls: tuple[Values, ...]
    published: tuple[Values, ...]
    untrained: tuple[Values, ...]  # for each of `published`
    sampled: int | None
    """Words drawn where contexts are too many to enumerate; intervals, over networks, do not include that."""


def measure(claim: Claim[E, Any], evidence: E) -> Measured:
    """Measure a claim and its controls on the networks of one evidence."""
    return Measured(
        tuple(c.values(evidence) for c in claim.criteria),
        tuple(c.values(evidence) for c in claim.controls),
        tuple(p.measure(evidence) for p in claim.published),
        tuple(None if p.untrained is None else p.untrained(evidence) for p in claim.published),
        getattr(getattr(evidence, "contexts", evidence), "sampled", None),
    )


def joined(blocks: Sequence[Measured]) -> Measured:
    """What was measured on networks of several looks, one after another. What does not apply to some of them
    does not apply.
    """

    def one(values: tuple[Values, ...]) -> Joined:
        there = [v for v in values if v is not None]
        return np.concatenate(there) if len(there) == len(values) else None

    def all_of(parts: Sequence[tuple[Values, ...]]) -> tuple[Joined, ...]:
        return tuple(one(values) for values in zip(*parts, strict=True))

    return Measured(
        all_of([b.criteria for b in blocks]),
        all_of([b.controls for b in blocks]),
        all_of([b.published for b in blocks]),
        all_of([b.untrained for b in blocks]),
        blocks[0].sampled,
    )


ROUNDING = 1e-14
"""What is no larger is written as 0: statistics are of numbers near one, in float64."""
MARKS = {"holds": "✓", "fails": "✗", "open": "?", "undefined": "✗", "does not apply": "–"}
"""How the state of a finding is drawn in a line of letters."""


@dataclass(frozen=True)
class Verdict:
    """How a claim fared on a process."""

    claim: str
    statement: str
    source: str
    process: str
    outcome: Outcome
    reason: str
    prediction: Mapping[str, Any]
    criteria: tuple[Finding, ...]
    controls: tuple[Finding, ...]
    networks: int
    looks: Looks
    # Probability that the same test on other networks ends in the same outcome; None while it is open.
    again: float | None
    # Networks that would decide, were they like these; None if decided, or if too many would be needed.
    needed: int | None
    published: tuple[Mapping[str, Any], ...] = ()
    # Words drawn where contexts are too many to enumerate; the intervals, over networks, do not include that.
    sampled: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values; thresholds and bounds that are infinite become None."""
        return asdict(self) | {
            "criteria": [_plain(f) for f in self.criteria],
            "controls": [_plain(f) for f in self.controls],
            "looks": list(self.looks.networks),
            "published": [dict(p) for p in self.published],
        }


def on(process: str, run: int) -> str:
    """What a claim was put to, and which run of the test it was where that is not the first."""
    return process if run == 1 else f"{process}, run {run}"


def asked_on(values: Mapping[str, Any], what: Literal["asked", "process"] = "asked") -> str:
    """The same, from a verdict's plain values: of what was asked, or by the name of the process."""
    return on(values[what], values.get("setting", {}).get("run", 1))


def told(values: Mapping[str, Any]) -> str:
    """How a verdict is called, from its plain values: its outcome, and by what, or what would decide.

    >>> from analysis.claim import told
    >>> told({"outcome": "undecided", "reason": "", "needed": 39})
    'undecided (39 networks would decide)'
    """
    outcome, reason, needed = values["outcome"], values["reason"], values.get("needed")
    if outcome == "explained":
        return f"explained by {reason}"
    if outcome == "undecided" and needed is not None:
        return f"undecided ({needed} networks would decide)"
    return str(outcome)


def squared(words: str) -> str:
    """Words as they are printed: R2, as it stands in keys, is R²."""
    return re.sub(r"\bR2\b", "R²", words)


def must(finding: Mapping[str, Any]) -> str:
    """Where a criterion or control has to be: "> 0.5", "< 2", "-0.1 to 0.1, most networks"."""
    above, below = finding["above"], finding["below"]
    side = f"< {below:g}" if above is None else f"> {above:g}" if below is None else f"{above:g} to {below:g}"
    return side + ("" if finding["over"] == "mean" else f", {finding['over']} networks")


def tabled(value: float) -> str:
    """A number in a table: four digits, and 0 for what is below rounding."""
    return f"{value if abs(value) > ROUNDING else 0.0:z.4g}"


def spread(interval: Sequence[float | None] | None) -> str:
    """A mean with its interval."""
    if interval is None or interval[0] is None:
        return "–"
    mean, *bounds = (tabled(v) for v in interval if v is not None)
    return f"{mean} [{', '.join(bounds)}]" if len(bounds) == 2 else mean


def briefly(value: float) -> str:
    """A number in a sentence: two digits, or four where it is nearly one."""
    if abs(value) <= ROUNDING:
        return "0"
    return f"{value:.4f}" if 0.99 < value < 1 else f"{value:.2g}"


def came(f: Mapping[str, Any]) -> str:
    """What a criterion or control of a verdict came to: the mean with its interval; where networks are
    counted, how many are where they must be, with the bound of their share that decides, and their mean.
    """
    if f["interval"] is None:
        return "not a number for some network" if f["applies"] else "does not apply"
    if f["share"] is None:
        return spread(f["interval"])
    share, low, high = f["share"]
    bound = f"share at least {low:.2f}" if share > 0.5 else f"share at most {high:.2f}"
    return f"{counted(f)} ({bound}); mean {spread(f['interval'][:1])}"


def counted(f: Mapping[str, Any]) -> str:
    """How many networks are where they must be, of how many, where that is judged."""
    n = len(f["values"])
    return f"{round(f['share'][0] * n)} of {n} networks"


def _plain(f: Finding) -> dict[str, Any]:
    found = {"interval": f.interval, "share": f.share}
    bounds = {name: None if of is None else list(map(finite, of)) for name, of in found.items()}
    return asdict(f) | {"above": finite(f.above), "below": finite(f.below), "holds": f.holds} | bounds


def judge(claim: Claim[E, Any], evidence: E, process: processes.Source | str, n_ctx: int) -> Verdict:
    """Measure a claim and its controls on all networks that there are, one look that spends all error, and
    apply the rule of evidence. The process may be written. Raises `ClaimError` if it cannot be tested there.
    """
    if not isinstance(claim, Claim):
        told = f"claim is {claim!r}; give the claim itself, as toylab.CLAIMS['BG1'] or one of your own"
        raise ClaimError(told)
    process = processes.source(process) if isinstance(process, str) else process
    claim.check(process, n_ctx)
    return judged(claim, [measure(claim, evidence)], process, n_ctx)


def judged(
    claim: Claim[E, Any],
    blocks: Sequence[Measured],
    process: processes.Source,
    n_ctx: int,
    looks: Looks | None = None,
    look: int = 0,
) -> Verdict:
    """The verdict on what was measured on all networks so far, in blocks, at one of several looks (counted
    from 0); without `looks`, at the one that there is. Raises `ClaimError` if the claim cannot be tested
    there.
    """
    claim.check(process, n_ctx)
    all_of = joined(blocks)
    sizes = [len(v) for v in (*all_of.criteria, *all_of.controls) if v is not None]
    n = min(sizes, default=0)
    looks = looks or Looks((max(n, 1),))
    criteria = tuple(
        rule.find(c.asked, v, looks, look, len(claim.criteria))
        for c, v in zip(claim.criteria, all_of.criteria, strict=True)
    )
    controls = tuple(
        rule.find(c.asked, v, looks, look) for c, v in zip(claim.controls, all_of.controls, strict=True)
    )
    outcome, reason = _outcome(claim, criteria, controls, n)
    return Verdict(
        *(claim.id, claim.statement, claim.source, process.name, outcome, reason),
        claim.prediction(process, n_ctx),
        criteria,
        controls,
        n,
        looks,
        rule.again(criteria, controls, looks, outcome) if outcome != "undecided" else None,
        rule.needed(criteria, controls, looks) if outcome == "undecided" else None,
        _beside(claim, all_of),
        all_of.sampled,
    )


def _outcome(
    claim: Claim[Any, Any], criteria: Sequence[Finding], controls: Sequence[Finding], n: int
) -> tuple[Outcome, str]:
    if 0 < n < claim.seeds:
        return "undecided", f"{n} trained network{'s' * (n != 1)}; this claim asks for at least {claim.seeds}"
    told = (
        [(c.asked, f.state) for c, f in zip(side, found, strict=True)]
        for side, found in ((claim.criteria, criteria), (claim.controls, controls))
    )
    return rule.decide(*told)


def _beside(claim: Claim[Any, Any], measured: Measured) -> tuple[dict[str, Any], ...]:
    """What others report beside what our networks come to by their statistic, as plain values."""

    def spread(values: Values) -> list[float | None] | None:
        return None if values is None else [finite(v) for v in interval(values)]

    rows = zip(claim.published, measured.published, measured.untrained, strict=True)
    return tuple(
        {
            "statistic": p.statistic,
            "theirs": p.theirs,
            "training": p.training,
            "ours": spread(ours),
            "values": None if ours is None else [finite(v) for v in ours],
            "untrained": spread(fresh),
            "untrained_values": None if fresh is None else [finite(v) for v in fresh],
        }
        for p, ours, fresh in rows
    )
