"""Small networks: configurations, pure init and apply functions, named sites. Knows nothing of processes or
training.
"""

from types import ModuleType as _ModuleType

from .bridge import Config as Config
from .bridge import Network as Network
from .bridge import Params as Params
from .bridge import network as network
from .cache import Cache as Cache
from .packed_tree import Tree as Tree
from .recurrent import RecurrentConfig as RecurrentConfig
from .serving.generation import generate as generate
from .serving.paging import Pages as Pages
from .sites import Edit as Edit
from .sites import ModelError as ModelError
from .sites import hook_name as hook_name
from .transformer import Transformer as Transformer
from .transformer import TransformerConfig as TransformerConfig
from .transformer_lens import from_transformer_lens as from_transformer_lens
from .transformer_lens import to_transformer_lens as to_transformer_lens
from .transformer_lens import transformer_lens_settings as transformer_lens_settings

__all__ = [  # all that stands above but modules, so that `help` shows it
    name for name, value in list(globals().items()) if name[0] != "_" and not isinstance(value, _ModuleType)
]
