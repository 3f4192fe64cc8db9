"""The processes of the literature, one to a file. Parameters have no defaults: published sets have names, in
`processes.names.catalogue`.
"""

from .bloch_walk import bloch_walk as bloch_walk
from .checksum import checksum as checksum
from .coin import coin as coin
from .cycle import cycle as cycle
from .even import even as even
from .fanizza import fanizza as fanizza
from .golden_mean import golden_mean as golden_mean
from .leaky_rrxor import leaky_rrxor as leaky_rrxor
from .matching_parens import matching_parens as matching_parens
from .mess import mess as mess
from .mess3 import mess3 as mess3
from .moon import moon as moon
from .nemo import nemo as nemo
from .quantum_rrxor import quantum_rrxor as quantum_rrxor
from .random_insertion import random_insertion as random_insertion
from .rrxor import rrxor as rrxor
from .sns import sns as sns
from .tally import tally as tally
from .uniform_coin import uniform_coin as uniform_coin
from .zero_one_random import zero_one_random as zero_one_random
