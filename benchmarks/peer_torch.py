"""The same transformer trained by PyTorch: TransformerLens' and a plain module, driven line by line over
pipes.

Runs in the peers' own environment (`make peers`), so it imports nothing of ours. Each line read is a JSON
request, each line written its answer:

    {"do": "check", "weights": FILE.npz, "tokens": FILE.npy, "out": FILE.npz}    logits of every model and the
        gradient of HookedTransformer's loss
    {"do": "train", "model": NAME, "seeds": N, "threads": N, "seconds": S}       Adam steps of N models in
        turn, for about S seconds
    {"do": "matmul", "size": N, "threads": N}                                    a float32 product, of which
        GFLOP are counted

The latter two answer how much was done, in how many seconds, and in how many core-seconds. The shape and the
tokens (batches, batch, T + 1) come as arguments; tokens are drawn beforehand, so that PyTorch is not charged
for drawing them.
"""

import contextlib
import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "fused": True}
TURN = 4
"""Steps of a model before the next one's turn."""


class Plain(nn.Module):
    """The model as one writes it in PyTorch for speed: fused projection, fused attention, nothing returned
    but logits.
    """

    def __init__(self, shape):
        super().__init__()
        d, inner = shape["d_model"], shape["n_heads"] * shape["d_head"]
        self.heads = shape["n_heads"]
        self.embed, self.positions = (
            nn.Embedding(shape["vocab"], d),
            nn.Parameter(0.02 * torch.randn(shape["n_ctx"], d)),
        )
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "ln1": nn.LayerNorm(d),
                    "qkv": nn.Linear(d, 3 * inner),
                    "mix": nn.Linear(inner, d),
                    "ln2": nn.LayerNorm(d),
                    "into": nn.Linear(d, shape["d_mlp"]),
                    "out": nn.Linear(shape["d_mlp"], d),
                }
            )
            for _ in range(shape["n_layers"])
        )
        self.norm, self.unembed = nn.LayerNorm(d), nn.Linear(d, shape["vocab"], bias=False)

    def forward(self, tokens):
        x = self.embed(tokens) + self.positions
        for b in self.blocks:
            q, k, v = b["qkv"](b["ln1"](x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind()
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + b["mix"](mixed.transpose(1, 2).flatten(-2))
            x = x + b["out"](F.relu(b["into"](b["ln2"](x))))
        return self.unembed(self.norm(x))

    @torch.no_grad()
    def load(self, w):
        """Take over weights under TransformerLens' names."""
        pairs = [
            (self.embed.weight, w["embed.W_E"]),
            (self.positions, w["pos_embed.W_pos"]),
            (self.unembed.weight, w["unembed.W_U"].T),
        ]
        pairs += [(self.norm.weight, w["ln_final.w"]), (self.norm.bias, w["ln_final.b"])]
        for i, b in enumerate(self.blocks):
            at = {
                name.removeprefix(f"blocks.{i}."): value
                for name, value in w.items()
                if name.startswith(f"blocks.{i}.")
            }
            qkv = [at[f"attn.W_{x}"].permute(1, 0, 2).flatten(1) for x in "QKV"]
            pairs += [(b[n].weight, at[f"{n}.w"]) for n in ("ln1", "ln2")] + [
                (b[n].bias, at[f"{n}.b"]) for n in ("ln1", "ln2")
            ]
            pairs += [
                (b["qkv"].weight, torch.cat(qkv, 1).T),
                (b["qkv"].bias, torch.cat([at[f"attn.b_{x}"].flatten() for x in "QKV"])),
            ]
            pairs += [(b["mix"].weight, at["attn.W_O"].flatten(0, 1).T), (b["mix"].bias, at["attn.b_O"])]
            pairs += [(b["into"].weight, at["mlp.W_in"].T), (b["into"].bias, at["mlp.b_in"])]
            pairs += [(b["out"].weight, at["mlp.W_out"].T), (b["out"].bias, at["mlp.b_out"])]
        for mine, theirs in pairs:
            mine.copy_(theirs)
        return self


def hooked(shape):
    """TransformerLens' model of the same shape; ours has no bias on the unembedding, so theirs stays zero."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    sizes = {k: shape[k] for k in ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_ctx")}
    config = HookedTransformerConfig(
        **sizes,
        d_vocab=shape["vocab"],
        act_fn="relu",
        normalization_type="LN",
        default_prepend_bos=False,
        device="cpu",
        seed=0,
    )
    model = HookedTransformer(config)
    model.unembed.b_U.requires_grad_(False).zero_()
    return model


MODELS = {"hooked": hooked, "plain": Plain, "compiled": lambda shape: torch.compile(Plain(shape))}


class Training:
    """One model with its optimiser, and where it is in the tokens."""

    def __init__(self, name, shape, tokens):
        self.model, self.tokens, self.at = MODELS[name](shape), tokens, 0
        self.adam = torch.optim.Adam([p for p in self.model.parameters() if p.requires_grad], **ADAM)

    def step(self):
        words = self.tokens[self.at % len(self.tokens)]
        self.at += 1
        loss = cross_entropy(self.model, words)
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        self.adam.step()
        return loss


def cross_entropy(model, words):
    """Mean nats per next token of words (batch, T + 1)."""
    return F.cross_entropy(model(words[:, :-1]).flatten(0, 1), words[:, 1:].flatten())


def check(shape, weights, tokens, out):
    """Write what our weights make of the tokens here."""
    w = {name: torch.from_numpy(value) for name, value in np.load(weights).items()}
    words = torch.from_numpy(np.load(tokens)).long()
    theirs, plain = hooked(shape), Plain(shape).load(w)
    absent = theirs.load_state_dict(w, strict=False)
    left = [name for name in absent.missing_keys if not name.endswith(("mask", "IGNORE", "b_U"))]
    if left or absent.unexpected_keys:
        raise SystemExit(
            f"the weights do not fit HookedTransformer: missing {left}, unexpected {absent.unexpected_keys}"
        )
    loss = cross_entropy(theirs, words)
    loss.backward()
    grads = {f"grad.{name}": p.grad.numpy() for name, p in theirs.named_parameters() if p.grad is not None}
    with torch.no_grad():
        np.savez(
            out,
            hooked=theirs(words[:, :-1]).numpy(),
            plain=plain(words[:, :-1]).numpy(),
            loss=loss.detach().numpy(),
            **grads,
        )
    return {"parameters": sum(p.numel() for p in plain.parameters())}


def train(trainings, limit):
    """Steps made in about `limit` seconds; each model makes a few before the next one's turn, so that its
    weights stay in cache.
    """
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < limit:
        training = trainings[done // TURN % len(trainings)]
        for _ in range(TURN):
            training.step()
        done += TURN
    return done


def timed(work):
    """What `work` returns as done, and what it took."""
    begun, spent = time.perf_counter(), time.process_time()
    return {
        "done": work(),
        "seconds": time.perf_counter() - begun,
        "core_seconds": time.process_time() - spent,
    }


def main(shape, tokens):
    """Answer requests until the pipe is closed."""
    answers, trainings = sys.stdout, {}
    torch.manual_seed(0)
    for line in sys.stdin:
        asked = json.loads(line)
        with contextlib.redirect_stdout(sys.stderr):  # the libraries print; the pipe is for answers
            if asked["do"] == "check":
                answer = check(shape, asked["weights"], asked["tokens"], asked["out"])
            elif asked["do"] == "matmul":
                torch.set_num_threads(asked["threads"])
                a = torch.ones(asked["size"], asked["size"])
                answer = timed(lambda a=a: (a @ a, 2 * len(a) ** 3 / 1e9)[1])
            else:
                torch.set_num_threads(asked["threads"])
                new = [
                    (asked["model"], s) for s in range(asked["seeds"]) if (asked["model"], s) not in trainings
                ]
                trainings |= {key: Training(key[0], shape, tokens) for key in new}
                models = [trainings[asked["model"], s] for s in range(asked["seeds"])]
                answer = timed(lambda models=models, limit=asked["seconds"]: train(models, limit))
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), torch.from_numpy(np.load(sys.argv[2])).long())
