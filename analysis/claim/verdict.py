"""Verdicts: what a claim's criteria and controls came to on its networks, and what follows by the rule of
evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

import processes

from ..instruments.statistics import Interval, interval
from . import rule
from .finding import Finding, interval_of, plain
from .rule import Looks, Outcome
from .statement import Claim, ClaimError, E, Predicted, Values

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


@dataclass(frozen=True)
class Reported:
    """What others report beside what our networks come to by their statistic; it decides nothing."""

    statistic: str
    theirs: str
    training: str  # whether networks were trained as theirs
    ours: Interval | None  # None where it does not apply; all of it is NaN where a network's value is
    values: tuple[float, ...] | None  # of `ours`, one per network
    untrained: Interval | None
    untrained_values: tuple[float, ...] | None

    def to_json(self) -> dict[str, Any]:
        """Plain values; what is no finite number becomes None."""
        numbers = ("ours", "values", "untrained", "untrained_values")
        return asdict(self) | {name: plain(getattr(self, name)) for name in numbers}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> "Reported":
        """The same out of its plain values."""
        read: dict[str, Any] = {name: interval_of(written[name]) for name in ("ours", "untrained")}
        read |= {name: _floats(written[name]) for name in ("values", "untrained_values")}
        return cls(**{f.name: written[f.name] for f in fields(cls)} | read)


def _floats(written: Sequence[float | None] | None) -> tuple[float, ...] | None:
    return None if written is None else tuple(np.nan if v is None else v for v in written)


@dataclass(frozen=True, repr=False)
class Verdict:
    """How a claim fared on a process."""

    claim: str
    statement: str
    source: str
    process: str
    outcome: Outcome
    reason: str
    prediction: Mapping[str, Predicted]
    criteria: tuple[Finding, ...]
    controls: tuple[Finding, ...]
    networks: int
    looks: Looks
    # Probability that the same test on other networks ends in the same outcome; None while it is open.
    again: float | None
    # Networks that would decide, were they like these; None if decided, or if too many would be needed.
    needed: int | None
    published: tuple[Reported, ...] = ()
    # Words drawn where contexts are too many to enumerate; the intervals, over networks, do not include that.
    sampled: int | None = None

    def __repr__(self) -> str:
        n = self.networks
        counted = f", by {n} network{'s' * (n != 1)}" if n else ""
        return f"<{self.claim} on {self.process}: {told(self)}{counted}>"

    def predicted(self, quantity: str) -> int | float:
        """A quantity that was predicted as a number. Raises `KeyError` if there is none of that name."""
        value = self.prediction[quantity]
        assert isinstance(value, int | float), f"{quantity} is predicted in words: {value}"
        return value

    def to_json(self) -> dict[str, Any]:
        """Plain values; thresholds and bounds that are infinite become None."""
        return asdict(self) | {
            "criteria": [f.to_json() for f in self.criteria],
            "controls": [f.to_json() for f in self.controls],
            "looks": list(self.looks.networks),
            "published": [p.to_json() for p in self.published],
        }

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> "Verdict":
        """A verdict out of its plain values; what stands beside them is left out."""
        return cls(**cls._read(written))

    @classmethod
    def _read(cls, written: Mapping[str, Any]) -> dict[str, Any]:
        """Its fields out of their plain values."""
        own = {f.name: written[f.name] for f in fields(cls) if f.name in written}
        return own | {
            "criteria": tuple(map(Finding.from_json, written["criteria"])),
            "controls": tuple(map(Finding.from_json, written["controls"])),
            "looks": Looks(tuple(written["looks"])),
            "published": tuple(map(Reported.from_json, written["published"])),
        }


def on(process: str, run: int) -> str:
    """What a claim was put to, and which run of the test it was where that is not the first."""
    return process if run == 1 else f"{process}, run {run}"


def told(verdict: Verdict) -> str:
    """How a verdict is called: its outcome, and by what, or what would decide.

    >>> from dataclasses import replace
    >>> from analysis.claim import told
    >>> from analysis.claim.latest import published
    >>> told(replace(published("BG1")[0], outcome="undecided", needed=39))
    'undecided (39 networks would decide)'
    """
    if verdict.outcome == "explained":
        return f"explained by {verdict.reason}"
    if verdict.outcome == "undecided" and verdict.needed is not None:
        return f"undecided ({verdict.needed} networks would decide)"
    return verdict.outcome


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


def _beside(claim: Claim[Any, Any], measured: Measured) -> tuple[Reported, ...]:
    """What others report beside what our networks come to by their statistic."""

    def of(values: Values) -> tuple[Interval | None, tuple[float, ...] | None]:
        return (None, None) if values is None else (interval(values), tuple(map(float, values)))

    rows = zip(claim.published, measured.published, measured.untrained, strict=True)
    return tuple(
        Reported(p.statistic, p.theirs, p.training, *of(ours), *of(fresh)) for p, ours, fresh in rows
    )
