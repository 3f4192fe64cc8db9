"""The achieved designs of the constraint experiments, as tables of exact values: docs/designs.md.

python docs/designs.py          write it
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

import processes
from analysis.claim import DEFAULT
from analysis.constraint_load import cl1_phase_transition as cl1
from analysis.constraint_load import cl2_load_decides as load_decides
from analysis.constraint_load import cl3_intervention_paradox as intervention_paradox
from analysis.constraint_load import cl3_stacking_design as stacking_design
from analysis.constraint_load import cl6_torque as torque
from analysis.constraint_load import cl8_pathologies as cl8
from analysis.constraint_load import ledger_design
from analysis.constraint_load.cl4_parities import CHECKS, parity_process
from analysis.constraint_load.cl6_drawn_constraints import COUNT, HEAVIEST, KINDS, LIGHTEST, drawn
from processes import constraints
from processes.values.whole_file import write_text

INTRODUCTION = """# The designs of the constraint experiments

What the tasks are, before any network sees them. All values are exact (nats per token unless it says
otherwise), computed by `processes/constraints` from the processes that the claims name. `python
docs/designs.py` writes this page.

How the three quantities are made to vary by themselves. **Single loads** are matched by a base that is
symmetric in its symbols (the Mess family), on which constraints that differ only in which symbols they name
cost exactly the same, and by a parameter of that base at which three kinds of constraints do so within a
hundredth. **Interaction** is how two of them meet: the same parity twice is shared work, two words that end
alike leave nothing between them and conflict. **Count** parts from load where constraints lie inside one
another: with a heavy one on, light ones inside it add to the count and nothing to the load.
"""


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; floats to four digits."""
    written = [" | ".join(f"{v:.4f}" if isinstance(v, float) else str(v) for v in row) for row in rows]
    return "\n".join(
        [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {row} |" for row in written)]
    )


def subsets() -> str:
    """CL2: every subset of the protocol, and how count, single loads and interaction go together over it."""
    protocol = processes.named(load_decides.DEFAULT_PROCESS).made_of
    assert isinstance(protocol, constraints.Protocol)
    alone = [protocol.loads[(k,)] for k in range(len(protocol.constraints))]
    rows = [
        (
            ", ".join(protocol.constraints[k].name for k in on),
            len(on),
            load,
            sum(alone[k] for k in on),
            load - sum(alone[k] for k in on),
        )
        for on, load in protocol.loads.items()
        if on
    ]
    columns = np.array([[count, load, interaction] for _, count, load, _, interaction in rows])
    r = np.corrcoef(columns.T)
    told = (
        f"Correlation over subsets: count and load {r[0, 1]:.2f}, load and interaction {r[1, 2]:.2f}, count "
        f"and interaction {r[0, 2]:.2f}."
    )
    head = ("on", "count", "load", "sum of single loads", "interaction")
    return f"## CL2: subsets of `{load_decides.DEFAULT_PROCESS}`\n\n{told}\n\n{table(head, rows)}"


def pairs() -> str:
    """CL3: pairs of matched single loads."""
    (name,) = intervention_paradox.CL3.tested_on
    base, rows = processes.named(name), []
    for pair, p in stacking_design.design(base):
        body = constraints.conjunction(p.constraints)
        cost = constraints.memory_cost(base, body)
        rows.append(
            (
                *pair,
                2,
                p.loads[(0,)],
                p.loads[(1,)],
                stacking_design.interaction(p),
                cost,
            )
        )
    head = ("first", "second", "count", "its load", "its load", "interaction", "memory cost, dimensions")
    return f"## CL3: pairs on `{name}`\n\n{table(head, rows)}"


def ledgers() -> str:
    """CL1, CL4 and CL8: the ledgers that networks of each width are trained on."""
    grids = ((ledger_design.CURVES, cl1.LEDGERS), (ledger_design.ONSETS, cl8.LEDGERS))
    rows = [row for grid, names in grids for name in names for row in sizes(grid, name)]
    head = (
        "like",
        "d_model",
        "constraints K",
        "symbols",
        "tokens",
        "load of one",
        "mean load of those on",
        "K / d_model",
    )
    return (
        "## CL1, CL4, CL8: ledgers\n\nLoads in nats of a whole body; means over 4096 drawn sets. CL4 leaves "
        f"out the widest. Where K / d_model is {ledger_design.LONGER:g}, networks are trained twice as long, "
        f"too.\n\n{table(head, rows)}"
    )


def sizes(grid: ledger_design.Grid, name: str) -> list[tuple]:
    """The rows of one grid on ledgers like one that is named."""
    asked, rows = processes.source(name), []
    for d, counts in grid.sizes(asked, DEFAULT).items():
        for K in counts:
            made = grid.recipes(name, DEFAULT)[ledger_design.Cell(d, K)].source()
            assert isinstance(made, constraints.Ledger)
            load = made.load(made.draw(4096, np.random.default_rng(0))).mean()
            rows.append(
                (f"`{name}`", d, K, made.V, made.vocab, float(made.loads[0]), float(load), f"{K / d:g}")
            )
    return rows


def parities() -> str:
    """CL4: parity checks, and what they need if held one by one or jointly."""
    rows = []
    for r in CHECKS:
        spec = parity_process(r)
        rows.append((f"`{spec}`", r, r * float(np.log(2)), r, 2**r - 1))
    head = ("process", "GF(2) rank", "load, nats a block", "dimensions if factored", "dimensions if joint")
    return f"## CL4: parity ledgers\n\n{table(head, rows)}"


def kinds() -> str:
    """CL6: what is drawn for the network of seed 0, by kind."""
    rows = [
        (
            f"`{base}`",
            kind,
            len(of),
            min(d.load for d in of),
            float(np.median([d.load for d in of])),
            max(d.load for d in of),
            ", ".join(f"`{d.constraint.spec}`" for d in of[:3]),
        )
        for base in torque.CL6.tested_on
        for kind in KINDS
        if (of := [d for d in drawn(processes.named(base), 0) if d.kind == kind])
    ]
    head = ("base", "kind", "drawn", "least load", "median", "greatest", "the first of them")
    told = (
        f"Every network has {COUNT} constraints of its own, drawn by its seed with loads of {LIGHTEST:g} to "
        f"{HEAVIEST:g} nats per token. These are what seed 0 would draw."
    )
    return f"## CL6: constraints drawn at random\n\n{told}\n\n{table(head, rows)}"


def page() -> str:
    """All designs."""
    return "\n\n".join((INTRODUCTION.strip(), subsets(), pairs(), ledgers(), parities(), kinds())) + "\n"


if __name__ == "__main__":
    write_text(Path(__file__).parent / "designs.md", page())
