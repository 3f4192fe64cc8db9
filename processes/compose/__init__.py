"""Processes made of processes. Composites keep their parts, so that what factorises is computed on the
parts."""

from .blocks import block as block
from .blocks import expand as expand
from .couple import coupled as coupled
from .coupled import Coupled as Coupled
from .mixture import Mixture as Mixture
from .mixture import mixture as mixture
from .product import Product as Product
from .product import product as product
from .trigger import triggered as triggered
from .vocabulary import noisy as noisy
from .vocabulary import relabelled as relabelled
from .vocabulary import symmetric_channel as symmetric_channel
from .vocabulary import synonyms as synonyms
