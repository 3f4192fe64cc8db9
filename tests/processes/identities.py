"""Every way to make a process, by an expression of its own; run as a program, the digests of all of them as
JSON (no JAX needed).
"""

import functools
import json
import sys
from collections.abc import Callable, Mapping

import numpy as np

import processes
from processes import constraints as c
from processes import named
from processes.ensembles import hmms as ensemble

NAMES = [f"{name}:{label}" for name, entry in processes.CATALOGUE.items() for label in entry.published]
WRITTEN = [
    "uniform_coin",
    "mess3 * mess3",
    "rrxor * even * moon",
    "coupled(coin(p=0.6), coin(p=0.7) | coin(p=0.2); structure=sequential)",
    "coupled(mess3, mess3 | mess3:piotrowski2025 | mess3; structure=hidden; coupling=0.5)",
    "relabelled(mess3, 2, 0, 1)",
    "synonyms(rrxor, 2)",
    "decoy(nemo)",
    "decoy(mess3)",
    "given(coin; no 11)",
    "given(mess3; no 00; never 2)",
    "given(moon; no 11)",
    "guarded(mess(x=0.05, a=0.85, s=4); never 0; no 11; no 23; p=0.5)",
    "guarded(mess3; no 00; never 2; p=0.3)",
    "guarded(mess3; no 00; never 2; on=none,0,1)",
    "guarded(rrxor; at most 2 of 1 in a row; even number of 1 in every 3; on=none,0)",
    "xorsat(n=3, k=2)",
]
QUESTIONS = ["addition(p=23, share=0.75)", "ledger(K=32, g=4, p=0.3)", "xorsat(n=10, k=3, m=9)"]
A = np.array([[4.0, 1, 0], [0, 5, 1], [1, -1, 6]])
MADE: Mapping[str, Callable[[], processes.Process]] = {
    "hmm": lambda: processes.hmm([[[0.3, 0.1], [0.2, 0.4]], [[0.2, 0.4], [0.3, 0.1]]]),
    "hmm with a start": lambda: processes.hmm(
        [[[0.3, 0.1], [0.2, 0.4]], [[0.2, 0.4], [0.3, 0.1]]], [0.25, 0.75]
    ),
    "ghmm": lambda: processes.ghmm(named("bloch_walk").T),
    "ghmm with a start": lambda: processes.ghmm(named("bloch_walk").T, [1 / 3, 0.1, 0]),
    "permuted": lambda: processes.permuted(named("rrxor"), [0, 2, 1, 4, 3]),
    "permuted moon": lambda: processes.permuted(named("moon"), [2, 0, 1]),
    "renamed": lambda: processes.renamed(named("moon"), "mine"),
    "similar": lambda: processes.similar(named("mess3"), A),
    "from_moore": lambda: processes.from_moore(None, [[0.9, 0.1], [0.3, 0.7]], [[0.5, 0.5], [0.25, 0.75]]),
    "from_model": lambda: processes.from_model(
        {"start": [0.5, 0.5], "transition": [[0.9, 0.1], [0.3, 0.7]], "emission": [[0.5, 0.5], [0.25, 0.75]]},
        emits="arrived",
    ),
    "from_simplexity": lambda: processes.from_simplexity("tom_quantum", {"alpha": 1.0, "beta": 3.0}),
    "mixture": lambda: processes.mixture([named("even"), named("golden_mean")], [0.3, 0.7]).process(),
    "coupled": lambda: processes.coupled(
        [named("moon"), [named("even"), named("golden_mean")]], "sequential", maps=[None, [0, 1, 1]]
    ).process(),
    "noisy": lambda: processes.noisy(named("mess3"), processes.symmetric_channel(3, error=0.1)),
    "relabelled": lambda: processes.relabelled(named("rrxor"), [1, 0], vocab=3),
    "synonyms": lambda: processes.synonyms(named("moon"), 2),
    "triggered": lambda: processes.triggered(
        [named("even"), named("coin")], [[0, 0.1], [0.2, 0]], first=[0.4, 0.6]
    ),
    "block": lambda: processes.block(named("mess3"), 3),
    "expand": lambda: processes.expand(named("mess(x=0.1, a=0.7, s=4)"), radix=2, digits=2),
    "leak": lambda: processes.leak(named("quantum_rrxor"), 0.1),
    "markov": lambda: processes.markov(named("mess3"), 2),
    "epsilon_machine": lambda: processes.epsilon_machine(named("rrxor")),
    "minimal_ghmm": lambda: processes.minimal_ghmm(named("synonyms(rrxor, 2)")),
    "decoy": lambda: processes.decoy(named("even"), seed=3),
    "conditioned": lambda: c.conditioned(named("mess3"), c.forbidden_word([0, 0], vocab=3)),
    "component": lambda: processes.structure.components.ergodic_components(
        processes.mixture([named("even"), named("coin")], [0.5, 0.5]).process()
    )[0][1],
    "product": lambda: processes.product([named("mess3"), named("nemo")]).process(),
    "protocol": lambda: c.protocol(
        named("coin"), [c.forbidden_word([1, 1], vocab=2)], c.independent_distribution(1, p=0.3)
    ).process(),
    "random dense": lambda: ensemble.dense(2, 3, np.random.default_rng(0)),
    "random sparse": lambda: ensemble.sparse(2, 3, np.random.default_rng(0)),
    "random resetting": lambda: ensemble.resetting(2, 3, np.random.default_rng(0)),
    "xorsat_stream": lambda: c.xorsat_stream(n=3, k=2),
}


@functools.cache
def digests() -> dict[str, str]:
    """The digest of every expression."""
    found = {spec: processes.source(spec).digest for spec in (*NAMES, *WRITTEN, *QUESTIONS)}
    return found | {name: make().digest for name, make in MADE.items()}


if __name__ == "__main__":
    json.dump(digests(), sys.stdout, indent=1)
