"""How networks learn: recipes, objectives, the compiled loop, and run folders. The only room where processes and networks meet."""

from .devices import distribute as distribute
from .devices import mesh as mesh
from .devices import use_all_cores as use_all_cores
from .fit import Progress as Progress
from .fit import fit as fit
from .fit import initial as initial
from .folder import RunError as RunError
from .grid import Cell as Cell
from .grid import grid as grid
from .objectives import Loss as Loss
from .objectives import data as data
from .objectives import objective as objective
from .program import State as State
from .recipe import Optimiser as Optimiser
from .recipe import Origin as Origin
from .recipe import Recipe as Recipe
from .recipe import RecipeError as RecipeError
from .run import Run as Run
from .run import open_run as open_run
from .store import obtain as obtain
from .sweep import Measured as Measured
from .sweep import sweep as sweep
from .tables import Packed as Packed
from .tables import packed as packed
from .tables import sample as sample
from .tables import tables as tables
