"""The claims of the literature, a family to a file, by id."""

from collections.abc import Mapping

from ..claim import Claim
from .affine_image import BG1, BG2
from .any_architecture import BG8
from .appears_with_loss import BG6
from .beyond_next_token import BG4
from .capacity_knee import BG7
from .causal import BG13, BG14
from .constrained_update import BG11
from .factored import BG10
from .fractal_dimension import BG5
from .hamiltonian import CL7
from .inertia import CL5
from .intervention_paradox import CL3
from .load_decides import CL2
from .merging import BG17
from .minimal_model import BG9
from .pathologies import CL8
from .phase_transition import CL1
from .random_hmms import BG16
from .rank_budget import CL4
from .spread_over_layers import BG3
from .synchronisation_depth import BG12
from .torque import CL6
from .transfer import BG15
from .whole_future import BG18

GEOMETRY = (BG1, BG2, BG3, BG4, BG5, BG6, BG7, BG8, BG9, BG10, BG11, BG12, BG13, BG14, BG15, BG16, BG17, BG18)
LOAD = (CL1, CL2, CL3, CL4, CL5, CL6, CL7, CL8)

CLAIMS: Mapping[str, Claim] = {claim.id: claim for claim in (*GEOMETRY, *LOAD)}
