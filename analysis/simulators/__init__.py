"""Simulators and search: claims SM1 and on, a file each, named by its id; what several of them measure stands
beside them.
"""

from ..claim import Claim
from .overview import overview as overview

QUESTION = (
    "Does a network that predicts many sources hold which of them writes, does it work ahead, and what can "
    "be said of all its prompts at once?"
)
CLAIMS: tuple[Claim, ...] = ()
