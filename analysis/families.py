"""All claims of the lab, by id: a family is a folder, and one line here."""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from . import belief_geometry, constraint_load
from .claim import Claim

FAMILIES: tuple[ModuleType, ...] = (belief_geometry, constraint_load)
"""Each gives its `QUESTION` and its `CLAIMS`; its folder `panels` gives `PANELS`, what they are about as
drawn, by id."""

CLAIMS: Mapping[str, Claim] = {claim.id: claim for family in FAMILIES for claim in family.CLAIMS}


def panels() -> Mapping[str, Any]:
    """The panels of all claims, by id; a claim that has none is drawn as its criteria and controls alone.
    Imports matplotlib.
    """
    return {id: panel for f in FAMILIES for id, panel in import_module(f"{f.__name__}.panels").PANELS.items()}
