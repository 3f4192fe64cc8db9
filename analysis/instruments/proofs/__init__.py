"""Statements about all prefixes of a network (docs/proofs.md)."""

from .largest import Largest as Largest
from .largest import largest as largest
from .proof import Proof as Proof
from .proof import prove as prove
