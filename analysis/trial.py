"""A trial: a claim, a process to put it to, and everything else that is fixed before anything runs."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import processes
import train

from .claim import DEFAULT, Claim, ClaimError, Looks, Role, Setting, single
from .families import CLAIMS
from .instruments.probing.study import check
from .keys.source import source as made_of
from .recipes import written

SCHEMA = 4
"""Version of what reports and verdicts hold, raised when their fields mean something else, so that older ones
are made anew.
"""
FIRST_SEED = 1000
"""Seeds of the networks of a claim are counted from here; pilots, which were looked at, used those below.
Those of a second run, to see whether the verdict comes out again, from twice as many on.
"""
CONTEXT = 10
"""Context length at which a claim without networks is asked whether it can be tested."""


@dataclass(frozen=True)
class Trial:
    """A claim, a process to put it to, and the size of the trial: everything that is fixed before anything
    runs.
    """

    if TYPE_CHECKING:  # what is kept
        claim: Claim
        process: str
    else:  # what is taken
        claim: Claim | str
        process: str | processes.Process
    """The claim, or the id of one of the lab's; the process, or written: one that was made of none that have
    a name is kept in a file of the user's cache.
    """
    setting: Setting = DEFAULT
    networks: Mapping[Role, train.Recipe] | None = None
    """What is trained for the first look, by role, if not what the claim itself asks for."""

    if TYPE_CHECKING:  # a process is taken as well as its name; what is kept is the name

        def __init__(
            self,
            claim: Claim | str,
            process: str | processes.Process,
            setting: Setting = DEFAULT,
            networks: Mapping[Role, train.Recipe] | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        if isinstance(self.claim, str):
            if self.claim not in CLAIMS:
                raise ClaimError(f"there is no claim {self.claim!r}; it is one of {', '.join(CLAIMS)}")
            object.__setattr__(self, "claim", CLAIMS[self.claim])
        if isinstance(self.process, processes.Process):
            object.__setattr__(self, "process", written(self.process))

    @cached_property
    def recipes(self) -> Mapping[Role, train.Recipe]:
        """What is trained for the first look, by role."""
        own, later = self.networks, FIRST_SEED * (self.setting.run - 1)
        if own is None:
            asked = self.claim.recipes(self.process, self.setting)
            own = {role: train.reseeded(recipe, FIRST_SEED, recipe.seeds) for role, recipe in asked.items()}
        if not later:
            return own
        return {role: train.reseeded(r, r.first_seed + later, r.seeds) for role, r in own.items()}

    @cached_property
    def source(self) -> processes.Source:
        """The process, or the question, that `process` names. It is held, for what is worked out about a
        process, decoys say, goes with the last that holds it.
        """
        return processes.source(self.process)

    @property
    def looks(self) -> Looks:
        """How many networks there are at each look."""
        if not self.recipes:
            return Looks((1,))
        return Looks.doubling(min(recipe.seeds for recipe in self.recipes.values()))

    def added(self, look: int) -> Mapping[Role, train.Recipe]:
        """What is trained for one look beyond what there is: the same with other seeds."""
        if look == 0:
            return self.recipes
        before, now = self.looks.networks[look - 1 : look + 1]
        return {
            role: train.reseeded(recipe, recipe.first_seed + before, now - before)
            for role, recipe in self.recipes.items()
        }

    @property
    def n_ctx(self) -> int:
        """Longest context of its networks."""
        return max((r.model.n_ctx for r in self.recipes.values()), default=CONTEXT)

    def refusal(self) -> ValueError | None:
        """Why it cannot be carried out, told before anything is trained: a `ClaimError`, or the
        `processes.ProcessError` of a process whose beliefs cannot be probed.
        """
        try:
            self.claim.check(self.source, self.n_ctx)
            if self.claim.evidence is single and isinstance(self.source, processes.Process):
                check(self.source, self.n_ctx)
        except (ClaimError, processes.ProcessError) as reason:
            return reason
        return None

    @cached_property
    def key(self) -> str:
        """Twelve hexadecimal digits that change whenever what is tested, on what, or how it is decided
        changes; not with how many looks are taken.

        Raises `ClaimError` for a claim of one's own of which that cannot be told (see `keys.source`).
        """
        identity = [
            SCHEMA,
            self.claim.id,
            self.claim.revision,
            self.claim.seeds,
            self.claim.rules,
            # How far networks are trained is told by the recipes, whoever asked for them.
            {"seeds": self.setting.seeds, "size": self.setting.size},
            self.source.digest,
        ]
        hashes = {str(role): recipe.hash for role, recipe in self.recipes.items()}
        own = [made] if (made := made_of(self.claim)) else []
        return hashlib.sha256(json.dumps([identity, hashes, *own], sort_keys=True).encode()).hexdigest()[:12]

    def folder(self, store: Path) -> Path:
        """Where its verdict is kept."""
        return store / "claims" / f"{self.claim.id}-{self.key}"


def trials(claim: Claim, setting: Setting = DEFAULT) -> Iterator[Trial]:
    """Every trial that a claim has by default: on each of its processes, each run after the other."""
    for process in claim.tested_on:
        for run in range(setting.run, setting.run + claim.runs):
            yield Trial(claim, process, replace(setting, run=run))
