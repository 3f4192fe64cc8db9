"""Model organisms in meaningless alphabets: claims MO1 to MO3, a file each, named by its id; the organisms
themselves, and what is measured of them, stand beside them.
"""

from .mo1_backdoor import MO1
from .mo2_sandbagging import MO2
from .mo3_semantics_free import MO3
from .organisms import ORGANISMS as ORGANISMS
from .overview import overview as overview

QUESTION = "Does what a network was taught to hide outlive clean training, and can it be found?"
CLAIMS = (MO1, MO2, MO3)
