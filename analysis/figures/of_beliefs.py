"""Which figures show what networks hold of beliefs."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.figure import Figure

from .beliefs import beliefs
from .clouds import clouds
from .layers import layers_of_run
from .record import Record
from .simplex import simplex_of_run


def of_beliefs(record: Record) -> Mapping[str, Callable[[Record], Figure]]:
    """Probes by layer, and the beliefs: on their triangle where there are three hidden states, as clouds
    where belief states are finitely many in more than one dimension, on principal axes wherever else.
    """
    if record.shows_final:
        return {"layers": layers_of_run, "simplex": simplex_of_run}
    belief = record.evidence["belief"]
    if "state_belief" in record.evidence and np.linalg.matrix_rank(belief - belief[0], tol=1e-6) > 1:
        return {"layers": layers_of_run, "clouds": clouds}
    return {"layers": layers_of_run, "beliefs": beliefs}
