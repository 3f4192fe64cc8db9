"""Simulators and search: claims SM1 and on, a file each, named by its id; what several of them measure stands
beside them.
"""

from ..claim import Claim
from .overview import overview as overview
from .sm01_superposition import SM1
from .sm02_wrong_prior import SM2
from .sm03_myopia import SM3
from .sm04_all_prefixes import SM4
from .sm05_finite_chain import SM5
from .sm06_rashomon import SM6
from .sm07_adversaries import SM7
from .sm08_task_trees import SM8

QUESTION = (
    "Does a network hold which of many sources writes, and what can be said of all its prompts at once?"
)
CLAIMS: tuple[Claim, ...] = (SM1, SM2, SM3, SM4, SM5, SM6, SM7, SM8)
