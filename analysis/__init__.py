"""What we may say: evidence, probes with their controls, claims and verdicts, figures, and the command line.

Import what you need from its module (`from analysis.instruments.probing.probe import ...`): this file imports
nothing before it is asked for, so that the command line can answer questions about ground truth without
loading JAX.
"""

from importlib import import_module as _import_module
from types import ModuleType as _ModuleType

from toylab import guard as _guard  # noqa: F401 (which says what stands in the way)

from . import earlier_names as earlier_names

__all__ = [
    "claim",
    "controls",
    "families",
    "figures",
    "instruments",
    "lab",
    "published",
    "recipes",
    "report",
    "testing",
    "trial",
]


def __getattr__(name: str) -> _ModuleType:
    if name in __all__:
        return _import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
