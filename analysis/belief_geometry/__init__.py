"""Belief geometry: claims BG1 to BG19, a file each, named by its id; what several of them measure stands
beside them.
"""

from .bg01_affine_image import BG1
from .bg02_no_offset import BG2
from .bg03_spread_over_layers import BG3
from .bg04_beyond_next_token import BG4
from .bg05_fractal_dimension import BG5
from .bg06_appears_with_loss import BG6
from .bg07_capacity_knee import BG7
from .bg08_any_architecture import BG8
from .bg09_minimal_model import BG9
from .bg10_factored import BG10
from .bg11_constrained_update import BG11
from .bg12_synchronisation import BG12
from .bg13_write_belief import BG13
from .bg14_erase_belief import BG14
from .bg15_transfer import BG15
from .bg16_random_hmms import BG16
from .bg17_merging import BG17
from .bg18_whole_future import BG18
from .bg19_complete_at_floor import BG19
from .overview import overview as overview

QUESTION = (
    "Do networks represent what an ideal observer believes about the hidden state, how, and do they use it?"
)
CLAIMS = (
    BG1,
    BG2,
    BG3,
    BG4,
    BG5,
    BG6,
    BG7,
    BG8,
    BG9,
    BG10,
    BG11,
    BG12,
    BG13,
    BG14,
    BG15,
    BG16,
    BG17,
    BG18,
    BG19,
)
