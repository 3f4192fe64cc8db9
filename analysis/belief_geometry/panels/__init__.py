"""What the claims of belief geometry are about, drawn: a panel for each id, in the file that has the id in
its name; and the networks of one run.
"""

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from ...figures.of_beliefs import of_beliefs
from ...figures.record import Record
from ...figures.verdict import Panel
from . import bg01_02_03_04_18_probes as probes
from . import bg05_06_07_08_09_networks as networks
from . import bg10_11_12_positions as positions
from . import bg13_14_interventions as interventions
from . import bg15_transfer, bg16_random_hmms, bg17_merging, bg19_complete_at_floor

PANELS: Mapping[str, Panel] = {
    "BG1": probes.by_layer,
    "BG2": probes.offset,
    "BG3": probes.by_layer,
    "BG4": probes.distances,
    "BG5": networks.dimension,
    "BG6": networks.emergence,
    "BG7": networks.capacity,
    "BG8": networks.architectures,
    "BG9": networks.rival_models,
    "BG10": positions.factored,
    "BG11": positions.attention,
    "BG12": positions.synchronisation,
    "BG13": interventions.crossover,
    "BG14": interventions.erased,
    "BG15": bg15_transfer.arrival,
    "BG16": bg16_random_hmms.random_hmms,
    "BG17": bg17_merging.told_apart,
    "BG18": probes.futures,
    "BG19": bg19_complete_at_floor.completeness,
}


def overview(record: Record) -> Mapping[str, Callable[[Record], Figure]]:
    """Probes by layer, and the beliefs."""
    return of_beliefs(record)
