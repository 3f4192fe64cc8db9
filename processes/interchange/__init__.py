"""Processes as files, and from and for other programs: state-emitting models, other files, graphs."""

from .graphs import to_dot as to_dot
from .graphs import to_networkx as to_networkx
from .models import from_model as from_model
from .moore import from_moore as from_moore
from .moore import to_moore as to_moore
from .process_file import write as write
from .simplexity import from_simplexity as from_simplexity
