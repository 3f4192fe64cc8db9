"""Verdicts as the lab keeps them: with the trial that each is of, and what it was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from processes.values import earlier

from .statement import Setting
from .verdict import Verdict, on


@dataclass(frozen=True, kw_only=True, repr=False)
class Kept(Verdict):
    """A verdict with its trial, what it was made from, and what a reader should know."""

    literature: Mapping[str, str]
    limits: str
    means: Mapping[str, str] = field(default_factory=dict)
    """What each control of the instrument would mean if it did not come out, by name."""
    asked: str
    """The process as it was asked for; `process` is the name that it has."""
    schema: int
    key: str
    setting: Setting
    recipes: Mapping[str, Mapping[str, Any]]
    """What was trained for the first look, by role, as JSON: `train.recipe.from_json` reads it."""
    made: tuple[Mapping[str, Sequence[Mapping[str, object]]], ...]
    """For each look, by role, the stretches of the training (`train.Leg`) as JSON: where each was made."""
    look: int
    """Looks that were taken."""
    seconds: Mapping[str, float]
    """What training and measuring took."""

    def to_json(self) -> dict[str, Any]:
        """Plain values; thresholds and bounds that are infinite become None."""
        return super().to_json() | {"made": list(self.made)}

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> "Kept":
        """The same out of its plain values; what stands beside them, as a seal, is left out."""
        own = {"setting": Setting(**written["setting"]), "made": tuple(written["made"])}
        return cls(**cls._read(written) | own)

    def __getitem__(self, name: str) -> Any:
        """A plain value by its key, as verdicts were read before they were records."""
        earlier.tell(f"verdict[{name!r}]", f"verdict.{name}")
        return self.to_json()[name]

    def _repr_html_(self) -> str:
        """As a notebook shows it: a table."""
        return import_module("..report.notebook", __package__).html(self)  # above


def asked_on(kept: Kept) -> str:
    """What the claim was put to, as it was asked for, and which run of the test it was."""
    return on(kept.asked, kept.setting.run)
