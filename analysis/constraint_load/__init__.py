"""Constraint load: claims CL1 to CL8, a file each, named by its id; what several of them measure stands
beside them.
"""

from .cl1_phase_transition import CL1
from .cl2_load_decides import CL2
from .cl3_intervention_paradox import CL3
from .cl4_rank_budget import CL4
from .cl5_inertia import CL5
from .cl6_torque import CL6
from .cl7_hamiltonian import CL7
from .cl8_pathologies import CL8
from .overview import overview as overview

QUESTION = (
    "Is failure under many instructions a matter of their load on a bandwidth, their conflict, or their "
    "number?"
)
CLAIMS = (CL1, CL2, CL3, CL4, CL5, CL6, CL7, CL8)
