"""The claims of the literature, a family to a file, by id."""

from collections.abc import Mapping

from ..claim import Claim
from .affine_image import BG1, BG2
from .beyond_next_token import BG4
from .spread_over_layers import BG3

CLAIMS: Mapping[str, Claim] = {claim.id: claim for claim in (BG1, BG2, BG3, BG4)}
