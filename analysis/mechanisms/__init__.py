"""Mechanisms: claims MI1 and on, a file each, named by its id; what several of them measure stands beside
them.
"""

from ..claim import Claim
from .mi01_superposition import MI1
from .mi02_dictionaries import MI2
from .mi03_steering import MI3
from .mi04_ablations import MI4
from .mi05_grokking import MI5
from .mi06_segmentation import MI6
from .mi07_quantisation import MI7
from .mi08_truths import MI8
from .mi09_erasers import MI9
from .mi10_singular_vectors import MI10
from .mi11_small_heuristics import MI11
from .mi12_value_head import MI12
from .mi13_predictive_coding import MI13
from .mi14_serving import MI14
from .mi15_without_inputs import MI15
from .overview import overview as overview

QUESTION = "What do interpretability's methods say of a network where the answer is known?"
CLAIMS: tuple[Claim, ...] = (MI1, MI2, MI3, MI4, MI5, MI6, MI7, MI8, MI9, MI10, MI11, MI12, MI13, MI14, MI15)
