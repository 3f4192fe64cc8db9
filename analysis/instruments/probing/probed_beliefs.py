"""Beliefs probed at every layer, beside everything that needs no network: what a report of a run tells where
beliefs are what it is about.
"""

from typing import Any

import numpy as np

import processes
from processes.algebra.pivots import principal_axes

from ..overview import Overview
from .baselines import BASELINES, DETERMINED
from .partial import partial_r2
from .study import CONCATENATED, Study

BAND = 100
"""Label shuffles behind the band that a figure shows at every layer, of the first network only: the null
hardly varies between them.
"""


def probed_beliefs(s: Study) -> Overview:
    """Probes of beliefs at every layer and of all layers side by side, and of every baseline."""
    layers = [_layer(s, features) for features in (*s.layers, CONCATENATED)]
    baselines = {
        name: {"r2": p.r2, "r2_in_sample": p.r2_in_sample, "rmse": p.rmse}
        for name in BASELINES
        for p in [s.baseline(name)]
    }
    states = list(s.contexts.process.states)
    report = {"layers": layers, "baselines": baselines, "states": states}
    return Overview(s.contexts, s.trained, s.untrained, report, _points(s))


def _layer(s: Study, features: str) -> dict[str, Any]:
    """Everything measured at one layer, seed by seed."""

    def scores(trained: bool) -> dict[str, list[float]]:
        probes = s.probes(features, trained=trained)
        return {key: [getattr(p, key) for p in probes] for key in ("r2", "r2_in_sample", "rmse")}

    null = s.shuffled(features, BAND, networks=1)
    window = s.baseline("token_window").r2
    return {
        "features": features,
        "trained": scores(True)
        | {
            "gain_over_token_window": [
                partial_r2(r2, window) if window <= DETERMINED else None for r2 in s.r2(features).tolist()
            ]
        },
        "untrained": scores(False),
        "shuffled": {"n": null.size, "low": float(null.min()), "high": float(null.max())},
    }


def _points(s: Study) -> dict[str, np.ndarray]:
    """The numbers behind the figures of beliefs: the truth, what each network predicts, and the beliefs
    probed from it.
    """
    t = s.contexts
    arrays = {"state": np.full(len(t.weight), -1, np.int16)}
    finite = processes.mixed_states(t.process)
    if finite is not None:
        arrays["state_belief"] = finite.belief
        arrays["state"] = np.abs(t.belief[:, None] - finite.belief).max(2).argmin(1).astype(np.int16)
    # Principal axes of the true beliefs, for drawing simplices of more than three states.
    arrays["mean"] = t.weight @ t.belief
    arrays["axes"] = principal_axes((t.belief - arrays["mean"]) * np.sqrt(t.weight)[:, None])
    for which, networks in (("trained", s.trained), ("untrained", s.untrained)):
        arrays[f"{which}_log_prediction"] = np.stack([e.log_prediction for e in networks]).astype(np.float32)
        for name, features in (("final", s.final_layer), ("concatenated", CONCATENATED)):
            arrays[f"{which}_points_{name}"] = np.stack(
                s.points(features, trained=which == "trained")
            ).astype(np.float32)
    return arrays | {
        "words": t.words.astype(np.min_scalar_type(-t.process.vocab)),
        "length": t.length.astype(np.int16),
        "fold": t.fold.astype(np.int8),
        "weight": t.weight,
        "belief": t.belief,
        "next_token": t.next_token,
    }
