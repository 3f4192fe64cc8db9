"""The processes of the literature, one to a file. Parameters have no defaults: published sets have names, in `processes.catalogue`."""

from .coin import coin as coin
from .even import even as even
from .golden_mean import golden_mean as golden_mean
from .mess3 import mess3 as mess3
from .nemo import nemo as nemo
from .random_insertion import random_insertion as random_insertion
from .rrxor import rrxor as rrxor
from .sns import sns as sns
from .zero_one_random import zero_one_random as zero_one_random
