"""How networks learn: recipes, objectives, the compiled loop, and run folders. The only room where processes
and networks meet.
"""

from types import ModuleType as _ModuleType

from toylab import guard as _guard  # noqa: F401 (which says what stands in the way)

from . import earlier_names as earlier_names
from .errors import RecipeError as RecipeError
from .errors import RunError as RunError
from .fit import Progress as Progress
from .fit import fit as fit
from .fit import fit_many as fit_many
from .fit import initial as initial
from .machine.devices import allotted_cores as allotted_cores
from .machine.devices import distribute as distribute
from .machine.devices import mesh as mesh
from .machine.devices import use_all_cores as use_all_cores
from .machine.environment import Leg as Leg
from .machine.environment import program_cache as program_cache
from .machine.environment import versions as versions
from .machine.numerics import jit as jit
from .machine.numerics import key as key
from .machine.numerics import pinned as pinned
from .objectives import Loss as Loss
from .objectives import data as data
from .objectives import objective as objective
from .optimiser import Optimiser as Optimiser
from .program import State as State
from .recipe import Origin as Origin
from .recipe import Recipe as Recipe
from .recipe import finish as finish
from .recipe import reseeded as reseeded
from .runs.exported import export_weights as export_weights
from .runs.exported import import_weights as import_weights
from .runs.run import Run as Run
from .runs.run import obtain as obtain
from .runs.run import open_run as open_run
from .steering import Steered as Steered
from .steering import Steering as Steering
from .steering import steer as steer
from .steering import steered as steered
from .sweeps.grid import Cell as Cell
from .sweeps.grid import grid as grid
from .sweeps.outcome import Measured as Measured
from .sweeps.sweep import sweep as sweep
from .tables import Packed as Packed
from .tables import packed as packed
from .tables import sample as sample
from .tables import tables as tables

__all__ = [  # all that stands above but modules, so that `help` shows it
    name for name, value in list(globals().items()) if name[0] != "_" and not isinstance(value, _ModuleType)
]
