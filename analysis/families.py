"""All claims of the lab, by id: a family is a folder, and one line here.

A family is a package that gives its `QUESTION`, its `CLAIMS` and an `overview` of the networks of one run
(see `instruments/overview.py`). Its folder `panels` gives `PANELS`, what each claim is about as drawn, by id,
and `overview`, the figures of a run.
"""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from . import belief_geometry, constraint_load, mechanisms, model_organisms, simulators
from .claim import Claim

if TYPE_CHECKING:  # what draws imports matplotlib
    from .figures.verdict import Panel

FAMILIES: tuple[ModuleType, ...] = (
    belief_geometry,
    constraint_load,
    model_organisms,
    simulators,
    mechanisms,
)

CLAIMS: Mapping[str, Claim] = {claim.id: claim for family in FAMILIES for claim in family.CLAIMS}


def family(claim: str) -> ModuleType:
    """The family of a claim, by the claim's id."""
    return next(f for f in FAMILIES if claim in {c.id for c in f.CLAIMS})


def folder(of: ModuleType) -> str:
    """The folder of a family, which is what its page is called."""
    return of.__name__.rpartition(".")[2]


def drawings(of: ModuleType) -> ModuleType:
    """The module that draws for a family. Imports matplotlib."""
    return import_module(f"{of.__name__}.panels")


def panels() -> "Mapping[str, Panel]":
    """The panels of all claims, by id; a claim without one is drawn as its criteria and controls alone."""
    return {id: panel for of in FAMILIES for id, panel in drawings(of).PANELS.items()}
