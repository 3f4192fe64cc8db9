"""Small networks: configurations, pure init and apply functions, named sites. Knows nothing of processes or
training.
"""

from .bridge import Config as Config
from .bridge import Network as Network
from .bridge import Params as Params
from .bridge import network as network
from .packed_tree import Tree as Tree
from .recurrent import RecurrentConfig as RecurrentConfig
from .sites import Edit as Edit
from .sites import ModelError as ModelError
from .transformer import Transformer as Transformer
from .transformer import TransformerConfig as TransformerConfig
