"""Entropies and what bounds them: rates, excess, forgetting."""

from ..values import earlier
from . import rates

PUBLIC = [name for name in vars(rates) if not name.startswith("_")]

__getattr__ = earlier.names(__name__, {name: f"{rates.__name__}:{name}" for name in PUBLIC})
