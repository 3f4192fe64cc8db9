"""How much more an observer has to carry: dimensions of the beliefs of a conditioned process against those of
its base.
"""

from ..process import Process
from ..structure.realisation import minimal_dimension
from ..values.checks import checked
from .automaton import Automaton
from .conditioned import conditioned


@checked
def memory_cost(base: Process, constraint: Automaton) -> int:
    """minimal_dimension(base given C) - minimal_dimension(base): dimensions an exact predictor must add to
    satisfy C; may be negative.

    Directions that no future depends on do not count: automaton states that differ without consequence cost
    nothing, and a constraint that the base satisfies already has cost 0 (with the ranks of `belief_span`
    neither would hold). Raises `ProcessError` where there is no conditioned process.
    """
    return minimal_dimension(conditioned(base, constraint)) - minimal_dimension(base)
