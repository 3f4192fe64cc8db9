"""What TransformerLens makes of networks that were exported to it.

    PYTHON benchmarks/peer_exchange.py FOLDER

Runs in an environment that has PyTorch and TransformerLens (`make peers`, `make bridge`), so it imports
nothing of ours. Reads every FOLDER/NAME.safetensors and FOLDER/NAME.npy, the words to read, and writes
FOLDER/NAME.npz: `logits`, and what passes every hook. Prints the versions as JSON.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open


def hooked(settings, weights):
    """HookedTransformer with these weights; of its own state only buffers may be missing in them."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    model = HookedTransformer(HookedTransformerConfig(**settings, device="cpu"))
    absent = model.load_state_dict(weights, strict=False)
    buffers = {name for name, _ in model.named_buffers()}
    if set(absent.missing_keys) - buffers or absent.unexpected_keys:
        raise SystemExit(f"the weights do not fit HookedTransformer: {absent}")
    return model


def bridge(settings, weights):
    """A bridge to a native model with these weights, all of them."""
    from transformer_lens.model_bridge import TransformerBridge

    model = TransformerBridge.boot_native(settings)
    model.load_state_dict(weights, strict=True)
    return model


@torch.no_grad()
def main(folder):
    """Every file of the folder."""
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as content:
            settings = json.loads(content.metadata()["toylab"])["config"]
            weights = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
        model = (bridge if "embed.weight" in weights else hooked)(settings, weights)
        words = torch.from_numpy(np.load(file.with_suffix(".npy"))).long()
        logits, cache = model.run_with_cache(words)
        passed = {name: value.numpy() for name, value in cache.items() if isinstance(value, torch.Tensor)}
        np.savez(file.with_suffix(".npz"), logits=logits.numpy(), **passed)
    print(json.dumps({name: version(name) for name in ("torch", "transformer-lens")}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
