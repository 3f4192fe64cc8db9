"""What the claims of simulators are about, drawn: a panel for each id, in the file that has the id in its
name; and the networks of one run.
"""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from ...figures.of_beliefs import of_beliefs
from ...figures.record import Record
from ...figures.verdict import Panel
from . import (
    sm01_02_sources,
    sm03_myopia,
    sm04_all_prefixes,
    sm05_finite_chain,
    sm06_rashomon,
    sm07_adversaries,
    sm08_task_trees,
)
from .posterior import posterior

PANELS: Mapping[str, Panel] = {
    "SM1": sm01_02_sources.superposition,
    "SM2": sm01_02_sources.costs,
    "SM3": sm03_myopia.gaps,
    "SM4": sm04_all_prefixes.all_prefixes,
    "SM5": sm05_finite_chain.finite_chain,
    "SM6": sm06_rashomon.disagreement,
    "SM7": sm07_adversaries.states,
    "SM8": sm08_task_trees.task_trees,
}


def overview(record: Record) -> Mapping[str, Callable[[Record], Figure]]:
    """Probes by layer, the beliefs, and, of a mixture, the posterior of its components."""
    own = {"posterior": posterior} if "posterior" in record.evidence else {}
    return {**of_beliefs(record), **own}
