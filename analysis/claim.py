"""Claims and verdicts: what is asserted, how it is measured, and when the evidence supports it.

The rule of evidence, the same for every claim. A claim is `supported` if every criterion has its whole 95 % interval over
trained networks beyond the threshold (and every single network, where the claim says so) and every control behaves as stated;
`refuted` if the interval of some criterion lies wholly on the other side and every control behaves; else `inconclusive`.
A misbehaving control makes it inconclusive whatever the criteria say, and so do fewer networks than the claim asks for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

import processes

from .statistics import Interval, interval
from .study import Study

Outcome = Literal["supported", "refuted", "inconclusive"]


class ClaimError(ValueError):
    """A claim put to a process on which it cannot be tested; the message gives the reason."""


@dataclass(frozen=True)
class Criterion:
    """A statistic with one value per trained network, and what it must exceed. Criteria and controls have this same form."""

    name: str
    measure: Callable[[Study], Float[np.ndarray, "seeds"] | None]  # None: cannot discriminate on this process
    above: float
    every_seed: bool = False  # whether each network must exceed the threshold, not only the interval of their mean


@dataclass(frozen=True)
class Claim:
    """A statement that could be false, fixed before any run."""

    id: str
    statement: str
    source: str
    prediction: Callable[[processes.Process, int], Mapping[str, Any]]  # from the process and context length alone
    criteria: Sequence[Criterion]
    controls: Sequence[Criterion]
    refusal: Callable[[processes.Process, int], str | None] = lambda process, n_ctx: None  # why it cannot be tested there
    seeds: int = 8  # least number of trained networks

    def check(self, process: processes.Process, n_ctx: int) -> None:
        """Raises `ClaimError` with the reason if the claim cannot be tested on this process."""
        reason = self.refusal(process, n_ctx)
        if reason is not None:
            raise ClaimError(f"{self.id} cannot be tested on {process.name}: {reason}")


@dataclass(frozen=True)
class Finding:
    """What one criterion or control came to."""

    name: str
    above: float
    every_seed: bool
    values: tuple[float, ...]  # one per network; empty if the control cannot discriminate on this process
    interval: Interval | None

    @property
    def holds(self) -> bool:
        """Whether the threshold is exceeded as the criterion asks. One that cannot discriminate holds nothing up."""
        if self.interval is None:
            return True  # a control that cannot discriminate here; criteria are asked in `_decide`
        return self.interval.low > self.above and (not self.every_seed or min(self.values) > self.above)

    @property
    def reversed(self) -> bool:
        """Whether the whole interval lies on the other side."""
        return self.interval is not None and self.interval.high < self.above


@dataclass(frozen=True)
class Verdict:
    """How a claim fared on a study."""

    claim: str
    statement: str
    source: str
    process: str
    outcome: Outcome
    reason: str
    prediction: Mapping[str, Any]
    criteria: tuple[Finding, ...]
    controls: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values; bounds that are infinite, as for a single network, become None."""

        def plain(f: Finding) -> dict[str, Any]:
            bounds = None if f.interval is None else [v if np.isfinite(v) else None for v in f.interval]
            return asdict(f) | {"interval": bounds, "holds": f.holds}

        return asdict(self) | {"criteria": [plain(f) for f in self.criteria], "controls": [plain(f) for f in self.controls]}


def judge(claim: Claim, study: Study) -> Verdict:
    """Measure a claim and its controls and apply the rule of evidence. Raises `ClaimError` if it cannot be tested there."""
    truth = study.truth
    claim.check(truth.process, truth.n_ctx)
    criteria = tuple(_find(c, study) for c in claim.criteria)
    controls = tuple(_find(c, study) for c in claim.controls)
    outcome, reason = _decide(criteria, controls, len(study.trained), claim.seeds)
    prediction = claim.prediction(truth.process, truth.n_ctx)
    return Verdict(claim.id, claim.statement, claim.source, truth.process.name, outcome, reason, prediction, criteria, controls)


def _find(criterion: Criterion, study: Study) -> Finding:
    values = criterion.measure(study)
    if values is None or not np.isfinite(values).all():
        return Finding(criterion.name, criterion.above, criterion.every_seed, (), None)
    return Finding(criterion.name, criterion.above, criterion.every_seed, tuple(map(float, values)), interval(values))


def _decide(criteria: Sequence[Finding], controls: Sequence[Finding], n: int, least: int) -> tuple[Outcome, str]:
    if n < least:
        return "inconclusive", f"{n} trained networks; this claim asks for at least {least}"
    bad = [c.name for c in controls if not c.holds]
    if bad:
        return "inconclusive", "control misbehaves: " + "; ".join(bad)
    against = [c.name for c in criteria if c.reversed]
    if against:
        return "refuted", "on the other side: " + "; ".join(against)
    open_ = [c.name for c in criteria if c.interval is None or not c.holds]
    if open_:
        return "inconclusive", "not decided: " + "; ".join(open_)
    return "supported", "every criterion met, every control as stated"
