"""Do results travel? The same facts, from the same parameters, by other BLAS kernels, numbers of threads and
instruction sets.

    python -m benchmarks.travel             every claim at its small size and every card, as a table
    python -m benchmarks.travel facts WHAT  the facts of one child process, as JSON (WHAT: processes, some of
                                            them by name, or claims by id)

A processor chooses the last bits of floating point, and nothing else: text, counts, orders and verdicts are
equal, numbers agree to rounding. Networks are drawn by NumPy, not trained, so that every child has the same
parameters without a file.
"""

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .asked import words

ROOT = Path(__file__).parents[1]
KERNELS = ("Haswell", "Nehalem", "Sandybridge", "SkylakeX")
THREADS = (1, 2)
FLOAT64 = 1e-9
"""How far float64 results may differ, relative to 1 or their size: sums of up to a million terms good to
1e-16 each, and probes and linear programmes, whose least penalty of 1e-8 lets through as much more.
"""
FLOAT32 = 1e-3
"""The same where XLA compiles for another instruction set, so that activations differ by 1e-7 and what is
read from them (logarithms of probabilities, small differences of divergences) by a thousand times as much.
"""

SPECS = (
    "uniform_coin(n=3)",
    "synonyms(golden_mean, 2)",
    "relabelled(mess3, 0, 1, 1)",
    "golden_mean * even",
    "given(mess3; no 00)",
    "given(coin; no 11; even number of 1 in every 4)",
    "given(rrxor; no 000)",
    "given(coin; checks 110/011)",
    "given(moon; no 00)",
    "guarded(coin; no 11; no 00; p=0.5)",
)
"""Composed and constrained processes beside the catalogue."""
PUT_TO = {
    "BG10": "even * golden_mean",
    "CL5": "mess3",
    "CL1": "ledger(K=32, g=4, p=0.5)",
    "CL4": "ledger(K=32, g=4, p=0.5)",
}
"""Smaller processes than claims are tested on by default."""


# What a child finds.


def cards() -> dict[str, Any]:
    """Cards of the whole catalogue and of `SPECS`, and what else is counted of a process."""
    import processes

    catalogue = [
        f"{name}:{label}" for name, entry in processes.CATALOGUE.items() for label in entry.published
    ]
    return {spec: facts_of(processes.named(spec)) for spec in (*catalogue, *SPECS)}


def facts_of(process: Any) -> dict[str, Any]:
    """A card, and counts that are not on it."""
    import processes
    from processes.structure.components import ergodic_components

    found = {
        # But for the seal of its numbers: where sines and eigen-solvers made them, their last bits are the
        # machine's, and only `identity` travels.
        "card": {name: value for name, value in processes.card(process, n_ctx=5).items() if name != "seal"},
        "belief rank": len(processes.belief_span(process)),
        "predictive rank": processes.minimal_dimension(process),
        "components": [[mass, part.n_states] for mass, part in ergodic_components(process)],
        "prefixes": processes.count_words(process, 6, most=10**6),
        "words of 1/64 and more": len(processes.prefix_tree(process, 5, least=1 / 64)),
    }
    ms = processes.mixed_states(process)
    if ms is not None:
        s = processes.spectrum(ms)
        moduli = {
            "decay": s.decay(),
            "nilpotent index": s.nilpotent_index,
            "eigenvalues": [[v.real, v.imag] for v in s.value.tolist()],
        }
        found |= {"next": ms.next.tolist(), "causal classes": ms.causal_class.tolist(), **moduli}
    return found


def drawn(recipe: Any) -> Any:
    """What claims ask of a finished run, with parameters and losses drawn by NumPy; later steps are larger
    and less lossy.
    """
    import jax

    import toy
    import train

    class Drawn(train.Run):
        checkpoint_steps = property(lambda self: tuple(sorted({0, 1, 2, recipe.steps // 2, recipe.steps})))

        def params(self, step: int | None = None) -> Any:
            share = 1.0 if step is None else step / recipe.steps
            shapes = jax.eval_shape(toy.network(recipe.model).init, jax.random.key(0))
            rng = np.random.default_rng([recipe.model.d_model, recipe.model.n_ctx])

            def leaf(like: Any) -> np.ndarray:
                wide = len(like.shape) > 1
                values = (0.3 + share) * (0.3 if wide else 0.1) * rng.normal(
                    size=(recipe.seeds, *like.shape)
                ) + (not wide)
                return values.astype(np.float32)

            return jax.tree.map(leaf, shapes)

        def history(self) -> dict[str, np.ndarray]:
            noise = np.random.default_rng(recipe.steps).normal(size=(recipe.seeds, recipe.steps))
            excess = np.exp(0.2 * noise - 3 * np.linspace(0, 1, recipe.steps)).astype(np.float32)
            return {"excess": excess, "loss": excess}

    return Drawn(Path("drawn"), recipe)


def judged(names: Sequence[str], *, tiny: bool = False, seeds: int = 2) -> dict[str, Any]:
    """Verdicts of claims on networks that are drawn, on the first process each is tested on, with everything
    their figures would draw.
    """
    import processes
    from analysis.claim import Setting, judge
    from analysis.families import CLAIMS

    def at_size(recipe: Any) -> Any:
        shape = {"n_ctx": 6, "d_model": 8, "d_head": 4, "d_mlp": 8} if tiny else {}
        origin = recipe.origin and replace(recipe.origin, recipe=at_size(recipe.origin.recipe))
        return replace(recipe, model=replace(recipe.model, **shape), origin=origin)

    out: dict[str, Any] = {}
    for name in names:
        claim, spec = CLAIMS[name], PUT_TO.get(name) or CLAIMS[name].tested_on[0]
        begun = time.process_time()
        runs: Any = {
            role: drawn(at_size(recipe))
            for role, recipe in claim.recipes(spec, Setting(seeds, size="small")).items()
        }
        process = processes.source(spec)
        n_ctx = max((run.recipe.model.n_ctx for run in runs.values()), default=10)
        evidence = claim.evidence(runs) if runs else process
        shown = {key: value.tolist() for key, value in claim.numbers(evidence).items()}
        out[name] = judge(claim, evidence, process, n_ctx).to_json() | {"shown": shown}
        print(f"{name} {time.process_time() - begun:.1f} s", file=sys.stderr)
    return out


# What the parent makes of it.


@dataclass(frozen=True)
class Machine:
    """How a child computes."""

    name: str
    environment: Mapping[str, str]


def machines(*, threads: Sequence[int] = THREADS, xla: bool) -> list[Machine]:
    """The ways this processor can be made to round; those that it cannot are left out (`refusal` says
    why)."""
    found = [
        Machine(
            f"{kernel}, {n} thread{'s'[: n - 1]}",
            {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": str(n)},
        )
        for kernel in KERNELS
        if refusal(kernel) is None
        for n in threads
    ]
    # NumPy's own loops, too, are compiled for several instruction sets.
    found.append(
        Machine("NumPy without AVX2", {"NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3", "OPENBLAS_NUM_THREADS": "1"})
    )
    if xla:
        found.append(
            Machine(
                "XLA for SSE4.2",
                {"XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_max_isa=SSE4_2".strip()},
            )
        )
    return found


def refusal(kernel: str) -> str | None:
    """Why OpenBLAS does not run this kernel here, if so: it says which one it has loaded, or the processor
    has not its instructions.
    """
    done = subprocess.run(
        [sys.executable, "-c", "import numpy as np; np.ones((64, 64)) @ np.ones((64, 64))"],
        env=os.environ | {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_VERBOSE": "2"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        return f"a matrix product ends with code {done.returncode}: this processor lacks its instructions"
    return (
        None
        if f"Core: {kernel}" in done.stderr + done.stdout
        else "OpenBLAS, if that is what NumPy uses, takes another kernel instead"
    )


def facts(machine: Machine, what: Sequence[str]) -> dict[str, Any]:
    """What a child process finds on such a machine."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.travel", "facts", *what],
        env=os.environ | {"PYTHONPATH": str(ROOT), **machine.environment},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    if done.returncode:
        raise RuntimeError(f"{machine.name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def everywhere(found: Sequence[Machine], what: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What children find on all machines, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip([m.name for m in found], pool.map(lambda machine: facts(machine, what), found), strict=True)
        )


def differences(a: Any, b: Any, tolerance: float, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where two sets of facts differ: floats by more than the tolerance, relative to 1 or their size;
    anything else at all.
    """
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            yield from differences(a[key], b[key], tolerance, f"{where}/{key}")
    elif isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            yield from differences(x, y, tolerance, f"{where}/{i}")
    elif isinstance(a, float) and isinstance(b, float):
        if not (a == b or abs(a - b) <= tolerance * max(1.0, abs(a)) or math.isnan(a) and math.isnan(b)):
            yield where, a, b
    elif type(a) is not type(b) or a != b:
        yield where, a, b


def largest(a: Any, b: Any) -> float:
    """Largest difference of two floats in the same place, relative to 1 or their size."""
    if isinstance(a, dict) and isinstance(b, dict):
        return max((largest(a[key], b[key]) for key in a.keys() & b.keys()), default=0.0)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return max((largest(x, y) for x, y in zip(a, b, strict=False)), default=0.0)
    return (
        abs(a - b) / max(1.0, abs(a))
        if isinstance(a, float) and isinstance(b, float) and math.isfinite(a - b)
        else 0.0
    )


def found(what: Sequence[str]) -> dict[str, Any]:
    """The facts that are asked for by name: `processes`, `tiny` for small networks, ids of claims, or
    processes.
    """
    import processes

    if list(what) == ["processes"]:
        return cards()
    names = [name for name in what if name != "tiny"]
    if not all(name[:2] in ("BG", "CL") for name in names):
        return {spec: facts_of(processes.named(spec)) for spec in names}
    return judged(names, tiny="tiny" in what)


def main(argv: Sequence[str]) -> int:
    if argv[:1] == ["facts"]:
        print(json.dumps(found(argv[1:])))
        return 0
    from analysis.families import CLAIMS

    failed = 0
    for kernel in KERNELS:
        if why := refusal(kernel):
            print(f"{kernel} is left out: {why}")
    for what, xla in ((["processes"], False), (list(argv or CLAIMS), True)):
        reference, *others = machines(xla=xla)
        facts_by = everywhere([reference, *others], what)
        for machine in others:
            tolerance = FLOAT32 if "XLA_FLAGS" in machine.environment else FLOAT64
            for name, value in facts_by[reference.name].items():
                apart = list(differences(value, facts_by[machine.name][name], tolerance))
                failed += len(apart)
                most = largest(value, facts_by[machine.name][name])
                print(f"{machine.name:<22}{name:<50}{most:9.1e}{len(apart):6}")
                for place, x, y in apart[:5]:
                    print(f"    {place}: {x} {y}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(words(__doc__)))
