"""What a site's name says of it is known in one place, for every site that there is."""

from dataclasses import replace

import pytest

import toy
from toy.sites import AXES, HOOKS, Place

NAMES = ("blocks.0.resid_post", "blocks.12.attn.z", "final_norm", "logits", "embed", "ln_final.scale")
ONES_OWN = (
    "blocks",
    "blocks.x.state",
    "blocks.01.state",
    "blocks.0",
    "layer 3",
    "h.2.mlp",
    "",
    "blocks.0.mine",
)


def sites(config):
    return (*config.sites, *config.inner_sites)


@pytest.fixture
def configs(small):
    gru = toy.RecurrentConfig(vocab=2, n_ctx=6, n_layers=2, d_model=8, cell="gru")
    return small, replace(small, positions="rotary", norm="rms"), replace(small, mixer="decay"), gru


def test_a_name_comes_back_as_it_was(configs):
    for name in (*NAMES, *ONES_OWN, *(site for config in configs for site in sites(config))):
        assert Place.of(name).name == name


def test_blocks_are_those_of_the_network(configs):
    for config in configs:
        inside = [Place.of(s).block for s in sites(config)]
        assert {b for b in inside if b is not None} == set(range(config.n_layers))
        outside = [s for s, b in zip(sites(config), inside, strict=True) if b is None]
        assert set(outside) <= {"embed", "final_norm", "logits", "ln_final.scale"}


def test_a_name_of_ones_own_is_a_vector_that_nothing_is_known_of():
    for name in ONES_OWN:
        place = Place.of(name)
        assert place.axes == ("channel",) and not (place.adds or place.carries or place.of_pairs)
    assert Place.of("blocks.x.state").block is None and Place.of("blocks.0.mine") == Place("mine", 0)


def test_axes_are_those_of_what_passes(configs):
    """One name for each axis of an array, as many numbers as the configuration says."""
    import jax
    import jax.numpy as jnp

    for config in configs:
        network, words = toy.network(config), jnp.zeros((3, 5), jnp.int32)
        asked = sites(config)
        passed = jax.eval_shape(
            lambda network=network, asked=asked, words=words: network.apply(
                network.init(jax.random.key(0)), words, sites=asked
            )
        )
        size = {
            "channel": config.d_model,
            "symbol": config.vocab,
            "key": 5,
            "one": 1,
            "head": getattr(config, "n_heads", 0),
            "head_channel": getattr(config, "d_head", 0),
            "neuron": getattr(config, "d_mlp", 0),
        }
        for site in asked:
            place = Place.of(site)
            shape = list(passed[site].shape)
            if place.of_pairs:  # heads before positions
                shape[1:3] = shape[2:0:-1]
            wanted = [size.get(axis) for axis in place.axes]
            assert len(shape) == 2 + len(wanted), site
            assert shape[:2] == [3, 5] and all(
                w in (None, n) for w, n in zip(wanted, shape[2:], strict=True)
            ), site


def test_what_blocks_add_and_carry(configs):
    plain, _, decaying, gru = configs
    assert [s for s in sites(plain) if Place.of(s).adds] == [
        f"blocks.{i}.{kind}" for i in range(plain.n_layers) for kind in ("attn_out", "mlp_out")
    ]
    assert not any(Place.of(s).carries for s in sites(plain))
    for config in (decaying, gru):
        carried = [s for s in sites(config) if Place.of(s).carries]
        assert carried == [f"blocks.{i}.state" for i in range(config.n_layers)]


def test_every_kind_that_is_told_apart_is_one_that_there_is(configs):
    kinds = {Place.of(site).kind for config in configs for site in sites(config)}
    assert set(AXES) | set(HOOKS) <= kinds
