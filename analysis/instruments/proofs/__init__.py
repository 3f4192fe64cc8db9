"""Statements about all prefixes of a network (docs/proofs.md)."""

from .largest import Largest as Largest
from .largest import largest as largest
from .prove import Proof as Proof
from .prove import prove as prove
