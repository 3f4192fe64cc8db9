"""The values that figures are drawn from, as a run folder keeps them."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Record:
    """report.json and evidence.npz of a finished run."""

    folder: Path

    @cached_property
    def report(self) -> dict[str, Any]:
        """The report, as written."""
        return json.loads((self.folder / "report.json").read_text())

    @cached_property
    def evidence(self) -> dict[str, np.ndarray]:
        """All arrays of the evidence."""
        from train.runs.sealed import read_npz  # here, so that figures of processes need no JAX

        return read_npz(
            self.folder / "evidence.npz", "delete report.json and call the same run again to make both anew"
        )

    def layer(self, features: str) -> dict[str, Any]:
        """What the report says of one layer, or of all `concatenated`."""
        return next(layer for layer in self.report["layers"] if layer["features"] == features)

    @property
    def final(self) -> dict[str, Any]:
        """What the report says of the last single layer."""
        return self.report["layers"][-2]

    def network(self, which: str) -> str:
        """How the network is called that figures show, `trained` or `untrained`: of trained ones, by its
        seed.
        """
        if which == "untrained":
            return "untrained network"
        return f"trained network, seed {self.seed}"

    @property
    def seed(self) -> int:
        """The seed of the trained network that figures show of its last layer, or of all."""
        layer = self.final if self.shows_final else self.layer("concatenated")
        return int(self.report["recipe"].get("first_seed", 0)) + self.typical(layer["trained"]["r2"])

    @property
    def shows_final(self) -> bool:
        """Whether beliefs are shown on a triangle, as probed from the last layer; else from all layers."""
        belief = self.evidence["belief"]
        return bool(belief.shape[1] == 3 and belief.min() >= -1e-9)

    def site(self, features: str) -> str:
        """A layer in words: after which block, or all of them."""
        if features == "concatenated":
            return "all layers"
        at = [layer["features"] for layer in self.report["layers"]].index(features)
        return f"after block {at}" if at else "embedding"

    @staticmethod
    def typical(scores: list[float]) -> int:
        """The network with the median score (the lower one of two): the one that figures show."""
        return int(np.argsort(scores)[(len(scores) - 1) // 2])
