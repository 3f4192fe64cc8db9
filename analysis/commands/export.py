"""The command `toylab export`. Imports JAX only for networks that are there."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from tyro.conf import Positional

from .arguments import parse
from .refusal import networks_there
from .terminal import printable

if TYPE_CHECKING:
    from train.runs.exported import Networks

Target = Literal["transformer_lens", "transformer_bridge"]
"""As `train.export_weights` has it."""
LOAD: dict[Target, str] = {
    "transformer_lens": "HookedTransformer(HookedTransformerConfig(**config)).load_state_dict(weights, "
    "strict=False)",
    "transformer_bridge": "TransformerBridge.boot_native(config).load_state_dict(weights)",
}
"""How it is read there, once its metadata has given `config` and the file `weights`."""


@dataclass(frozen=True)
class Options:
    """Write the weights of one network as safetensors, under the names of TransformerLens."""

    run: Positional[str]
    """Folder of a finished run, or the name of a network that came with the lab."""
    to: Target
    """HookedTransformer, or TransformerBridge.boot_native."""
    seed: int | None = None
    """Which network; the first by default."""
    out: Path | None = None
    """File to write; NAME-seedN.safetensors in the folder of the run, or here, by default."""


def export(argv: list[str], console: Console) -> int:
    """Run the command."""
    asked = parse(Options, argv, "toylab export")
    networks_there(asked.run)
    import train

    networks, folder = networks_of(asked.run)
    seed = networks.recipe.first_seed if asked.seed is None else asked.seed
    file = asked.out or folder / f"{asked.to}-seed{seed}.safetensors"
    train.export_weights(networks, file, to=asked.to, seed=seed)
    console.print(printable(f"seed {seed} of {asked.run} is in {file}"), soft_wrap=True)
    told = f'read there by {LOAD[asked.to]}, where config is json.loads(metadata["toylab"])["config"]'
    console.print(printable(told), soft_wrap=True, highlight=False)
    return 0


def networks_of(run: str) -> "tuple[Networks, Path]":
    """The networks of `networks_there`, and the folder that what is made of them goes into."""
    import train

    from .. import published

    if (Path(run) / "recipe.json").exists():
        return train.open_run(run), Path(run)
    return published.network(run), Path()
