"""What a backdoored run does after its trigger: what a report of a run on a triggered process tells."""

from ..instruments.contexts import contexts
from ..instruments.evidence import observe
from ..instruments.overview import Measurements, Overview
from ..instruments.untrained import untrained
from .backdoor import backdoor


def overview(measurements: Measurements) -> Overview:
    """The share of the backdoor in every network, and in untrained ones."""
    (run,) = measurements.runs.values()
    process, config = run.recipe.ground_truth(), run.recipe.model
    judged, t = backdoor(process, config.n_ctx), contexts(process, config.n_ctx)
    both = [
        (observe(config, p, t, ()), judged.share(config, p)) for p in (run.params(), untrained(run.recipe))
    ]
    (trained, share), (fresh, blank) = both
    told = {"anew": judged.anew, "going_on": judged.going_on, "share": share.tolist()}
    return Overview(t, trained, fresh, {"backdoor": told}, {"share": share, "untrained": blank})
