"""A study: trained networks, untrained ones of the same shape, and everything a claim may ask of them."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
from jaxtyping import Float32, Float64

import processes
from processes.values import earlier
from train.runs.exported import Networks

from ..contexts import Contexts, contexts
from ..evidence import Evidence, observe
from ..notebook import html, line
from ..untrained import untrained
from .baselines import FUTURES, baseline, baseline_points, future, wrong_beliefs
from .label_shuffles import shuffled_r2
from .probe import Probe, moments, probes
from .ridge import Moments

T = TypeVar("T")
CONCATENATED = "concatenated"
"""Name of the features that put the residual stream after every block side by side."""
LEAST_WORTH = 0.005
"""Where contexts are worth less, nats per token, there is nothing to see: half of what they are worth on
Mess3 at (.15, .6), the least of the published settings.
"""
SHUFFLES = 1000
"""Label shuffles behind a claim's null."""


@dataclass(frozen=True, eq=False)
class Study:
    """What claims are measured on. Probes are made when first asked for and remembered."""

    contexts: Contexts
    layers: tuple[str, ...]  # sites along the residual stream: before the first block, then after each
    trained: Sequence[Evidence]
    untrained: Sequence[Evidence]
    _memo: dict[Hashable, object] = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        return line(*self._told())

    def _repr_html_(self) -> str:
        return html(*self._told())

    def _told(self) -> tuple[str, dict[str, str]]:
        """What a prompt shows; a probe is told where it is there, and not made for it."""
        facts = {
            "networks": f"{len(self.trained)} trained, {len(self.untrained)} untrained",
            "contexts": self.contexts.size,
            "layers": f"{len(self.layers)}, {self.layers[0]} to {self.final_layer}",
        }
        if ("probe", self.final_layer, True, "belief", True, False) in self._memo:
            r2 = self.r2(self.final_layer)
            ends = dict.fromkeys(f"{end:z.4f}" for end in (r2.min(), r2.max()))
            facts["held-out R² of beliefs, final layer"] = " to ".join(ends)
        return f"study of {self.contexts.process.name}", facts

    @property
    def final_layer(self) -> str:
        """The residual stream after the last block."""
        return self.layers[-1]

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What `compute` makes, the first time that it is asked for under this key."""
        if key not in self._memo:
            self._memo[key] = compute()
        return cast(T, self._memo[key])

    def probes(
        self,
        features: str,
        *,
        trained: bool = True,
        labels: str = "belief",
        intercept: bool = True,
        centred: bool = False,
    ) -> list[Probe]:
        """One probe per network from a layer (or all of them, `CONCATENATED`) onto `labels`: `belief`,
        `decoy`, or a name in `FUTURES`.
        """

        def compute() -> list[Probe]:
            group = group_of(labels)
            columns = self._columns(features), self.columns_of(labels)
            found = [m[columns] for m in self._moments(trained, group)]
            return probes([m.centred() for m in found] if centred else found, intercept=intercept)

        return self.once(("probe", features, trained, labels, intercept, centred), compute)

    def r2(
        self,
        features: str,
        *,
        trained: bool = True,
        labels: str = "belief",
        intercept: bool = True,
        centred: bool = False,
    ) -> Float64[np.ndarray, "seeds"]:
        """Held-out R2 of the same `probes`, one per network."""
        found = self.probes(features, trained=trained, labels=labels, intercept=intercept, centred=centred)
        return np.array([p.r2 for p in found])

    def points(self, features: str, *, trained: bool = True) -> list[Float64[np.ndarray, "N S"]]:
        """Beliefs as probed from each network, by the map that has not seen the history; contexts too short
        to be held out are given the map fitted on all longer ones, some of which continue them.
        """

        def compute() -> list[np.ndarray]:
            networks = self.trained if trained else self.untrained
            return [
                p.predict(self.features_of(e, features), self.contexts.fold)
                for e, p in zip(networks, self.probes(features, trained=trained), strict=True)
            ]

        return self.once(("points", features, trained), compute)

    def shuffled(
        self, features: str, n: int = SHUFFLES, networks: int | None = None
    ) -> Float64[np.ndarray, "seeds n"]:
        """Held-out R2 of probes refitted on n shuffles of the beliefs, for each trained network, or the first
        few.
        """

        def compute() -> np.ndarray:
            x = [self.features_of(e, features) for e in self.trained[:networks]]
            base = [
                m[self._columns(features), self._labels("beliefs")["belief"][0]]
                for m in self._moments(True, "beliefs")[:networks]
            ]
            return shuffled_r2(x, base, self.contexts.belief, self.contexts, n=n)

        return self.once(("shuffled", features, n, networks), compute)

    def baseline(self, name: str, labels: str = "belief") -> Probe:
        """Probe onto beliefs, decoys' beliefs or a future from something other than a network, by a name in
        `BASELINES`.
        """
        return baseline(self.contexts, name, labels)

    def baseline_points(self, name: str) -> Float64[np.ndarray, "N S"]:
        """Beliefs as probed from a baseline, held out by history."""
        return baseline_points(self.contexts, name)

    def labels_of(self, group: str) -> Float64[np.ndarray, "N m"]:
        """All that is probed for of a group, `beliefs` or `futures`, side by side."""
        return np.concatenate([values for _, values in self._labels(group).values()], axis=1)

    def columns_of(self, labels: str) -> slice:
        """Where labels stand in those of their group."""
        return self._labels(group_of(labels))[labels][0]

    def _labels(self, group: str) -> dict[str, tuple[slice, Float64[np.ndarray, "N m"]]]:
        """What is probed for, by name: its columns among those of its group, and its values."""
        if group == "futures":
            values = {name: future(self.contexts, length) for name, length in FUTURES.items()}
        else:
            values = {"belief": self.contexts.belief, "decoy": wrong_beliefs(self.contexts)}
        end = np.cumsum([v.shape[1] for v in values.values()])
        return {
            name: (slice(int(e) - v.shape[1], int(e)), v)
            for e, (name, v) in zip(end, values.items(), strict=True)
        }

    def _moments(self, trained: bool, group: str) -> list[Moments]:
        def compute() -> list[Moments]:
            labels = self.labels_of(group)
            return [
                moments(self._stream(e), labels, self.contexts)
                for e in (self.trained if trained else self.untrained)
            ]

        return self.once(("moments", trained, group), compute)

    def _stream(self, evidence: Evidence) -> Float32[np.ndarray, "N d"]:
        return np.concatenate([evidence.activations[layer] for layer in self.layers], axis=1)

    def _columns(self, features: str) -> slice:
        width = [self.trained[0].activations[layer].shape[1] for layer in self.layers]
        end = np.cumsum(width)
        if features == CONCATENATED:
            return slice(int(end[0]), int(end[-1]))
        i = self.layers.index(features)
        return slice(int(end[i] - width[i]), int(end[i]))

    def features_of(self, evidence: Evidence, features: str) -> Float32[np.ndarray, "N d"]:
        """Activations of a network at a layer, or of all after a block side by side (`CONCATENATED`)."""
        if features == CONCATENATED:
            return np.concatenate([evidence.activations[layer] for layer in self.layers[1:]], axis=1)
        return evidence.activations[features]


def group_of(labels: str) -> str:
    """The group of labels whose moments are taken together: `beliefs` or `futures`."""
    return "futures" if labels in FUTURES else "beliefs"


def check(process: processes.Process, n_ctx: int) -> None:
    """Raises `processes.ProcessError` if networks trained on this process could not be probed with all
    controls.
    """
    t = contexts(process, n_ctx)
    if t.one_belief:
        raise processes.ProcessError(
            f"the belief of {process.name} is the same after every history, so there is nothing to probe; "
            "choose another process"
        )
    if t.worth < LEAST_WORTH:
        raise processes.ProcessError(
            f"contexts of {process.name} are worth {max(t.worth, 0.0):.1e} nats per token, and {LEAST_WORTH} "
            "are asked for: who has learned nothing would predict it nearly as well; choose another process"
        )
    wrong_beliefs(t)
    processes.markov(process, 1)


def study(run: Networks) -> Study:
    """Observe the trained networks of a finished run, and as many untrained ones, on every context."""
    config = run.recipe.model
    what = contexts(run.recipe.ground_truth(), config.n_ctx)
    trained, fresh = (
        observe(config, params, what, config.stream) for params in (run.params(), untrained(run.recipe))
    )
    return Study(what, config.stream, trained, fresh)


__getattr__ = earlier.names(
    __name__,
    {
        "untrained": "analysis.instruments.untrained:untrained",
        "UNTRAINED_SEEDS": "analysis.instruments.untrained:UNTRAINED_SEEDS",
        "baseline": "analysis.instruments.probing.baselines:baseline",
        "BASELINES": "analysis.instruments.probing.baselines:BASELINES",
        "FUTURES": "analysis.instruments.probing.baselines:FUTURES",
        "future": "analysis.instruments.probing.baselines:future",
        "wrong_beliefs": "analysis.instruments.probing.baselines:wrong_beliefs",
        "token_window": "analysis.instruments.probing.baselines:token_window",
        "DECOYS": "analysis.instruments.probing.baselines:DECOYS",
        "WINDOW": "analysis.instruments.probing.baselines:WINDOW",
    },
)
