"""Constraints as automata, what they cost (load), the processes they condition, and protocols that switch
them on.
"""

from ..tasks.addition import Addition as Addition
from ..tasks.addition import addition as addition
from ..tasks.ledger import Ledger as Ledger
from ..tasks.made_ledgers import ledger as ledger
from ..tasks.question import Question as Question
from ..tasks.xorsat import XorSat as XorSat
from ..tasks.xorsat import random_xorsat as random_xorsat
from ..tasks.xorsat import xorsat as xorsat
from ..tasks.xorsat_instances import Instances as Instances
from ..tasks.xorsat_instances import instances as instances
from ..tasks.xorsat_stream import xorsat_stream as xorsat_stream
from ..tasks.xorsat_thresholds import Thresholds as Thresholds
from ..tasks.xorsat_thresholds import dense_consistency as dense_consistency
from ..tasks.xorsat_thresholds import xorsat_thresholds as xorsat_thresholds
from ..values import earlier
from .automaton import Automaton as Automaton
from .automaton import accepts as accepts
from .automaton import anything as anything
from .automaton import automaton as automaton
from .automaton import conjunction as conjunction
from .automaton import live as live
from .automaton import pulled_back as pulled_back
from .automaton import runs as runs
from .conditioned import Given as Given
from .conditioned import conditioned as conditioned
from .cost import costs as costs
from .escape import Escape as Escape
from .escape import escape as escape
from .horizon import Horizon as Horizon
from .horizon import horizon as horizon
from .library import at_most as at_most
from .library import at_most_in_a_row as at_most_in_a_row
from .library import bounded_depth as bounded_depth
from .library import forbidden_word as forbidden_word
from .library import order as order
from .library import parity as parity
from .library import period as period
from .library import phases as phases
from .load import conflicting_subset as conflicting_subset
from .load import finite_load as finite_load
from .load import interaction as interaction
from .load import interactions as interactions
from .load import load as load
from .load import satisfiable as satisfiable
from .memory import memory_cost as memory_cost
from .parity_checks import gf2_rank as gf2_rank
from .parity_checks import parity_checks as parity_checks
from .protocol import Protocol as Protocol
from .protocol import contradictions as contradictions
from .protocol import protocol as protocol
from .protocol import without_contradictions as without_contradictions
from .restricted import Restricted as Restricted
from .restricted import restricted as restricted
from .sentences import constraint as constraint
from .subsets import independent_distribution as independent_distribution

__getattr__ = earlier.names(
    __name__,
    {
        "independent_law": "independent_distribution",
        "predictive_rank": "processes:minimal_dimension",
        "named_protocol": "processes.names.earlier_functions:named_protocol -- processes.named(spec).made_of",
        "named_given": "processes.names.earlier_functions:named_given -- processes.named(spec).made_of",
        "constrained": "processes.names.earlier_functions:constrained -- processes.named(spec)",
        "kind": "processes.names.earlier_functions:kind -- type(processes.named(spec).made_of)",
        "written_question": "processes.names.earlier_functions:written_question -- processes.source(spec)",
        "written_ledger": "processes.names.earlier_functions:written_ledger -- processes.source(spec)",
    },
)
