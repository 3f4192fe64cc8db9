"""What the claims of mechanisms are about, drawn: a panel for each id, in the file that has the id in its
name; and the networks of one run.
"""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from ...figures.of_beliefs import of_beliefs
from ...figures.record import Record
from ...figures.verdict import Panel
from . import (
    mi01_superposition,
    mi02_dictionaries,
    mi03_steering,
    mi04_ablations,
    mi05_grokking,
    mi06_segmentation,
    mi07_quantisation,
    mi08_truths,
    mi09_erasers,
    mi10_singular_vectors,
    mi11_small_heuristics,
    mi12_value_head,
    mi13_predictive_coding,
    mi14_serving,
    mi15_without_inputs,
)

PANELS: Mapping[str, Panel] = {
    "MI1": mi01_superposition.superposition,
    "MI2": mi02_dictionaries.dictionaries,
    "MI3": mi03_steering.steering,
    "MI4": mi04_ablations.costs,
    "MI5": mi05_grokking.grokking,
    "MI6": mi06_segmentation.segmentation,
    "MI7": mi07_quantisation.bits,
    "MI8": mi08_truths.truths,
    "MI9": mi09_erasers.erasers,
    "MI10": mi10_singular_vectors.spectra,
    "MI11": mi11_small_heuristics.parts,
    "MI12": mi12_value_head.heads,
    "MI13": mi13_predictive_coding.predictive_coding,
    "MI14": mi14_serving.serving,
    "MI15": mi15_without_inputs.without_inputs,
}


def overview(record: Record) -> Mapping[str, Callable[[Record], Figure]]:
    """Probes by layer, and the beliefs."""
    return dict(of_beliefs(record))
