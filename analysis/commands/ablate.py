"""The command `toylab ablate`: what networks lose without their parts, by what stands there instead. Imports
JAX only for networks that are there.
"""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text
from tyro.conf import Positional

from .arguments import Refused, parse
from .refusal import networks_there
from .terminal import printable

if TYPE_CHECKING:
    import toy

    from ..instruments.contexts import Contexts

MOST = 4000
"""Contexts; where a network reads more, shorter ones are asked about."""
LEAST_TOKENS = 5
KINDS = {
    "zero": "zeros",
    "mean": "the mean",
    "resample": "another context's",
    "constant": "the best constant",
}
"""What stands in a part's place, in words."""


@dataclass(frozen=True)
class Options:
    """Ablate parts of networks: what predictions lose, nats per token, with zeros, the mean, another
    context's value or the best constant in a part's place, beside what its absence must cost where that is
    exact.
    """

    run: Positional[str]
    """Folder of a finished run, or the name of a network that came with the lab."""
    site: tuple[str, ...] = field(default=())
    """What is ablated, as blocks.0.attn_out; by default what attention, MLPs or states give, by block."""
    head: int | None = None
    """Of blocks.K.attn.z only this head."""
    neuron: int | None = None
    """Of blocks.K.mlp.post only this neuron."""
    networks: int = 1
    """How many networks of the run, the first ones."""
    json: bool = False
    """Print everything as JSON."""


def ablate(argv: list[str], console: Console) -> int:
    """Run the command."""
    asked = parse(Options, argv, "toylab ablate")
    _check(asked)
    import jax

    from ..instruments.interventions.ablation import ablate as costs
    from ..instruments.interventions.removed import Part, exact_cost
    from .export import networks_of

    run, _ = networks_of(asked.run)
    config, truth = run.recipe.model, _contexts(run.recipe)
    params = jax.tree.map(lambda leaf: leaf[: asked.networks], run.params())
    found = []
    for site in asked.site or _sites(config):
        part = Part(site, asked.head, asked.neuron)
        cost = {kind: values.tolist() for kind, values in costs(config, params, truth, part).items()}
        found.append({"part": part._asdict(), "cost": cost, "exact": exact_cost(config, truth, part)})
    told = {"tokens": truth.n_ctx, "excess": _excess(config, params, truth), "parts": found}
    if asked.json:
        print(json.dumps(told, indent=2))
    else:
        _tell(asked, told, console)
    return 0


def _check(asked: Options) -> None:
    """Raises `Refused` for what could be no question."""
    if asked.networks < 1:
        raise Refused(f"--networks is {asked.networks}; it must be at least 1")
    if (asked.head is not None or asked.neuron is not None) and not asked.site:
        raise Refused(
            "of which site is that head or neuron? give --site, as blocks.0.attn.z or blocks.0.mlp.post"
        )
    networks_there(asked.run)


def _contexts(recipe) -> "Contexts":
    """All contexts of as many tokens as the network reads, or as leave no more than `MOST`."""
    import processes

    from ..instruments.contexts import contexts

    process, n = recipe.ground_truth(), recipe.model.n_ctx
    if not isinstance(process, processes.Process):
        raise Refused("these networks answer questions; what their parts do is not worked out")
    while n > LEAST_TOKENS and sum(process.vocab**length for length in range(1, n + 1)) > MOST:
        n -= 1
    return contexts(process, n)


def _sites(config: "toy.Config") -> list[str]:
    """What each block adds, or carries."""
    from toy.sites import Place

    return [site for site in config.sites if (place := Place.of(site)).adds or place.carries]


def _excess(config, params, truth: "Contexts") -> list[float]:
    from ..instruments.evidence import observe

    return [e.excess for e in observe(config, params, truth, ())]


def _tell(asked: Options, told, console: Console) -> None:
    """A row for each part, means over networks."""

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    networks = len(told["excess"])
    console.print(
        printable(
            f"{asked.run}: {networks} network{'s' if networks > 1 else ''}, contexts of up to "
            f"{told['tokens']} tokens, KL to the exact predictor {mean(told['excess']):.1e} nats per token"
        ),
        highlight=False,
        soft_wrap=True,
    )
    table = Table(title="loss without a part, nats per token, by what stands in its place")
    table.add_column("part")
    for words in (*KINDS.values(), "exact"):
        table.add_column(words, justify="right")
    for row in told["parts"]:
        cost = [f"{mean(row['cost'][kind]):.4f}" for kind in KINDS]
        exact = "" if row["exact"] is None else f"{row['exact']:.4f}"
        table.add_row(Text(_name(row["part"])), *cost, exact)
    console.print(table)
    console.print(
        "exact: what no constant can cost less than, but for what is left to learn; empty where other ways "
        "lead past the part",
        highlight=False,
        soft_wrap=True,
    )


def _name(part: dict[str, object]) -> str:
    which = [f", {what} {part[what]}" for what in ("head", "neuron") if part[what] is not None]
    return "".join((str(part["site"]), *which))
