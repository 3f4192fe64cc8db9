"""Parts of pages that tell published verdicts: what ablations cost, how many processes were named right, what
became of model organisms. docs/generate.py puts them between the marks of those pages.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from analysis.claim import Kept, asked_on, came, must, spread, squared, told
from analysis.commands.identify import NAMED, named_right
from analysis.families import CLAIMS, family, folder
from analysis.instruments.statistics import Interval

ROOT = Path(__file__).parents[1]
Verdicts = Mapping[str, Sequence[Kept]]
"""Published verdicts, by claim."""
IN_PLACE = ("the best constant", "the mean", "zeros", "values of other contexts")
"""What MI4 puts in the place of attention, as its criteria call it."""


def _interval(verdict: Kept, criterion: str) -> Interval:
    found = next(c for c in verdict.criteria if c.name == criterion)
    assert found.interval is not None
    return found.interval


def without_inputs(found: Verdicts) -> str:
    """To how many networks the right process lay nearest by activations alone, and how much farther off it is
    than a wrong one.
    """
    right, networks, on = named_right()
    farther = [f"{np.exp(-_interval(v, NAMED).mean):.2g} on `{asked_on(v)}`" for v in found["MI15"]]
    return (
        f"Of the {networks} trained networks of [MI15](results/mechanisms.md#mi15), on {on} processes, "
        f"{right or 'none'} lay nearest to the process that they were trained on, of ten. How many times as "
        f"far as the nearest wrong one the right one is, on average: {', '.join(farther)}."
    )


def ablations(found: Verdicts) -> str:
    """The table of what stands in the place of attention: costs beside the exact one, of published verdicts
    of MI4, geometric means over networks.
    """
    out = [
        "| process | in the place of attention | costs, nats a token | times the exact cost | networks |",
        "|---|---|---|---|---|",
    ]
    for v in found["MI4"]:
        exact = v.predicted("cost of attention, nats per token")
        out.append(f"| `{asked_on(v)}` | (exact) | {exact:.4f} | 1 | |")
        for what in IN_PLACE:
            times = np.exp(_interval(v, f"log of the cost with {what}, over the exact one"))
            cells = what, _spread(exact * times, 4), _spread(times, 2), str(v.networks)
            out.append(f"| `{asked_on(v)}` | {' | '.join(cells)} |")
    there = {v.asked for v in found["MI4"]}
    out += [f"| `{p}` | no verdict yet | | | |" for p in CLAIMS["MI4"].tested_on if p not in there]
    return "\n".join(out)


def _spread(interval: np.ndarray, decimals: int) -> str:
    """A mean with its interval."""
    mean, low, high = (f"{x:.{decimals}f}" for x in interval)
    return f"{mean} [{low}, {high}]"


def organisms(found: Verdicts, said: Callable[[str], str], name: Callable[[Kept], str]) -> Iterator[str]:
    """Verdicts on model organisms: in words, `said` of a claim, in a figure, of a file's `name`, and in a
    table of what was asked, what else would explain it, and what was measured beside.
    """
    for claim in (c for c in family("MO1").CLAIMS if c.id in found):
        for v in found[claim.id]:
            page = f"results/{folder(family(claim.id))}.md#{claim.id.lower()}"
            yield from (f"### {claim.id} on `{asked_on(v)}`: {told(v)}", "")
            seconds = sum(v.seconds.values())
            cost = f"{v.networks} networks of each kind, {seconds:.0f} seconds in all"
            yield from (f"{said(claim.id)} ([{claim.id}]({page}): {cost}.)", "")
            yield from (f"![{claim.id} on {asked_on(v)}: {told(v)}](results/{name(v)}.png)", "")
            yield from ("| | found | must be |", "|---|---|---|")
            for f in (*v.criteria, *(c for c in v.controls if c.rival)):
                yield f"| {squared(f.name)} | {came(f)} | {must(f)} |"
            for p in v.published:
                yield f"| {squared(p.statistic)} | {spread(p.ours)} | shown beside |"
            yield ""
