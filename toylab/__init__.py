"""The whole lab under one name: `import toylab`.

toylab.processes, toylab.toy, toylab.train and toylab.analysis are the rooms themselves, imported when they
are first asked for, and so are the few names beside them that one reaches for first. Importing this takes
milliseconds, and no JAX; what stands in the way of a room is told when the first name is asked for, since
pytest imports this for its plugin in every project.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    import analysis as analysis
    import processes as processes
    import toy as toy
    import train as train
    from analysis import published as published
    from analysis import testing as testing
    from analysis.claim import Claim as Claim
    from analysis.claim import Criterion as Criterion
    from analysis.claim import Setting as Setting
    from analysis.claim import judge as judge
    from analysis.families import CLAIMS as CLAIMS
    from analysis.instruments.activations import activations as activations
    from analysis.instruments.any_network import study_of as study_of
    from analysis.instruments.blind import identify as identify
    from analysis.instruments.probing.study import study as study
    from analysis.instruments.proofs import prove as prove
    from analysis.lab import Trial as Trial
    from analysis.lab import verdict as verdict
    from analysis.recipes import standard as standard
    from processes import entropy_rate as entropy_rate
    from processes import excess_entropy as excess_entropy
    from processes import filter as filter
    from processes import hmm as hmm
    from processes import named as named
    from processes import read as read
    from processes import write as write
    from toy import RecurrentConfig as RecurrentConfig
    from toy import TransformerConfig as TransformerConfig
    from toy import network as network
    from train import Optimiser as Optimiser
    from train import Recipe as Recipe
    from train import obtain as obtain
    from train import open_run as open_run
    from train.fit import fit as fit

ROOMS = ("processes", "toy", "train", "analysis")
CURATED = {
    **dict.fromkeys(
        ("entropy_rate", "excess_entropy", "filter", "hmm", "named", "read", "write"), "processes"
    ),
    **dict.fromkeys(("RecurrentConfig", "TransformerConfig", "network"), "toy"),
    **dict.fromkeys(("Optimiser", "Recipe", "fit", "obtain", "open_run"), "train"),
    **dict.fromkeys(("Claim", "Criterion", "Setting", "judge"), "analysis.claim"),
    **dict.fromkeys(("Trial", "verdict"), "analysis.lab"),
    "CLAIMS": "analysis.families",
    "activations": "analysis.instruments.activations",
    "published": "analysis",
    "testing": "analysis",
    "standard": "analysis.recipes",
    "identify": "analysis.instruments.blind",
    "prove": "analysis.instruments.proofs",
    "study": "analysis.instruments.probing.study",
    "study_of": "analysis.instruments.any_network",
}
"""What one reaches for first, and where it is."""
MODULES = ("published", "testing")
"""Those of them that are modules."""
__all__ = [*ROOMS, *CURATED]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # which takes longer than all the rest

        return version("toylab")
    if name not in __all__:
        raise AttributeError(f"toylab has no {name!r}; it has {', '.join(sorted(__all__))}")
    from . import guard  # noqa: F401 (which says what stands in the way)

    if name in ROOMS or name in MODULES:
        found = import_module(f"analysis.{name}" if name in MODULES else name)
    else:
        found = getattr(import_module(CURATED[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
