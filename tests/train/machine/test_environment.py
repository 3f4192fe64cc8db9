"""Nothing around a recipe changes its numbers without saying so: JAX's configuration, variables,
processors.
"""

import ast
import contextlib
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import flax
import jax
import numpy as np
import pytest
from jax._src.config import config_states

import toy
import train
from train import Optimiser, Recipe, RunError
from train.machine import numerics
from train.program import initialiser, key_pairs
from train.runs import checkpoints

ROOT = Path(__file__).parents[3]

HOSTILE = {
    "jax_default_prng_impl": "rbg",
    "jax_threefry_partitionable": False,
    "jax_threefry_gpu_kernel_lowering": True,
    "jax_random_seed_offset": 7,
    "jax_high_dynamic_range_gumbel": True,
    "jax_enable_custom_prng": True,
    "jax_legacy_prng_key": "error",
    "jax_enable_x64": True,
    "jax_explicit_x64_dtypes": "error",
    "jax_numpy_dtype_promotion": "strict",
    "jax_numpy_rank_promotion": "raise",
    "jax_default_matmul_precision": "bfloat16",
    "jax_softmax_custom_jvp": True,
    "jax_allow_f16_reductions": False,
    "jax_disable_jit": True,
    "jax_no_tracing": True,
    "jax_no_execution": True,
    "jax_custom_vjp3": True,
    "jax_remat3": True,
    "jax_scan3": True,
    "jax_refs_to_pins": True,
    "jax_use_direct_linearize": False,
    "jax_use_simplified_jaxpr_constants": True,
    "jax_embedded_constants_max_bytes": 0,
    "jax_mutable_array_checks": False,
    "jax_disable_vmap_shmap_error": True,
    "jax_disallow_mesh_context_manager": True,
    "jax_remove_size_one_mesh_axis_from_type": True,
    "jax_auto_pcast": False,
    "check_vma": True,
    "eager_constant_folding": True,
    "jax_default_device": "gpu",
    "jax_use_shardy_partitioner": False,
    "jax_optimization_level": "O1",
    "jax_exec_time_optimization_effort": -1.0,
    "jax_memory_fitting_effort": -1.0,
    "jax_memory_fitting_level": "O0",
    "jax_compiler_enable_remat_pass": False,
    "jax_enable_pgle": True,
    "jax_raise_persistent_cache_errors": True,
    "jax_compilation_cache_check_contents": True,
    "jax_debug_nans": True,
    "jax_debug_infs": True,
    "jax_debug_key_reuse": True,
    "jax_enable_checks": True,
    "jax_check_tracer_leaks": True,
    "jax_check_static_indices": True,
    "jax_error_checking_behavior_nan": "raise",
    "jax_error_checking_behavior_divide": "raise",
    "jax_error_checking_behavior_oob": "raise",
    "jax_transfer_guard_host_to_device": "disallow",
    "jax_transfer_guard_device_to_host": "disallow",
    "jax_transfer_guard_device_to_device": "disallow",
}
"""Another value for everything that is pinned."""

NOT_PINNED = {
    "they choose devices, which `versions` names; those that are not there are refused": """
        jax_platforms jax_platform_name jax_xla_backend jax_backend_target jax_num_cpu_devices
        jax_cuda_visible_devices jax_rocm_visible_devices jax_oneapi_visible_devices jax_mock_gpu_topology
        mock_num_gpu_processes jax_pjrt_client_create_options jax_sort_devices_by_process_index""",
    "`versions` names it": """
        jax_disable_most_optimizations""",
    "it acts through three that are pinned": """
        jax_transfer_guard""",
    "where compiled programs are kept, by a key of all that they are compiled from": """
        jax_compilation_cache_dir jax_enable_compilation_cache jax_compilation_cache_expect_pgle
        jax_compilation_cache_include_metadata_in_key jax_compilation_cache_max_size
        jax_persistent_cache_enable_xla_caches jax_persistent_cache_min_compile_time_secs
        jax_persistent_cache_min_entry_size_bytes jax_remove_custom_partitioning_ptr_from_cache_key
        jax_hlo_source_file_canonicalization_regex jax_share_binary_between_hosts
        jax_share_binary_between_hosts_timeout_ms""",
    "what is told, not what is computed": """
        jax_captured_constants_report_frames jax_captured_constants_warn_bytes jax_check_proxy_envs
        jax_compiler_detailed_logging_min_ops jax_debug_log_modules jax_distributed_debug
        jax_dump_ir_modes jax_dump_ir_to jax_explain_cache_misses jax_include_debug_info_in_dumps
        jax_include_full_tracebacks_in_locations jax_log_checkpoint_residuals jax_log_compiles
        jax_logging_level jax_pallas_verbose_errors jax_pprint_use_color jax_send_traceback_to_runtime
        jax_source_url_schema jax_traceback_filtering jax_traceback_in_locations_limit
        jax_tracer_error_num_traceback_frames jax_xla_profile_version jax_pgle_aggregation_percentile
        jax_pgle_profiling_runs jax_debug_leaked_clients_on_clear_backends""",
    "how hosts find and wait for each other": """
        jax_cpu_collectives_implementation jax_cpu_get_global_topology_timeout_minutes
        jax_cpu_get_local_topology_timeout_minutes jax_cross_host_transfer_socket_address
        jax_cross_host_transfer_timeout_seconds jax_cross_host_transfer_transfer_size
        jax_cross_host_transport_addresses jax_force_dcn_cross_host_transfers
        jax_enable_preemption_service jax_enable_recoverability""",
    "when something is computed, not what": """
        jax_cpu_enable_async_dispatch jax_experimental_unsafe_xla_runtime_errors""",
    "garbage and threads are watched, not used": """
        jax_array_garbage_collection_guard jax_thread_guard""",
    (
        "of what no network here uses (Pallas, sparse and ragged products, export, custom gradients, "
        "decompositions on GPUs)"
    ): """
        jax_bcoo_cusparse_lowering jax_disable_bwd_checks jax_export_calling_convention_version
        jax_export_ignore_forward_compatibility jax_mosaic_allow_hlo jax_pallas_enable_debug_checks
        jax_pallas_poison_buffers jax_pallas_use_mosaic_gpu jax_ragged_dot_use_gpu_pallas_triton_lowering
        jax_ragged_dot_use_ragged_dot_instruction jax_serialization_version jax_use_magma
        jax_use_emit_pipeline_primitive jax2tf_associative_scan_reductions
        jax2tf_default_native_serialization""",
}
"""Why the rest of JAX's configuration may be as it likes."""


def test_every_option_of_jax_is_pinned_or_known_not_to_matter():
    """A new version of JAX with a new option fails here until somebody has looked at it."""
    free = {name for names in NOT_PINNED.values() for name in names.split()}
    assert set(jax.config.values) == free | set(numerics.PINNED) and not free & set(numerics.PINNED)
    assert set(HOSTILE) == set(numerics.PINNED) <= set(config_states)


def held(name: str) -> object:
    return config_states[name].value


@pytest.fixture
def hostile():
    """The user's own configuration, as bad as it can be."""
    before = {name: held(name) for name in HOSTILE}
    try:
        for name, value in HOSTILE.items():
            jax.config.update(name, value)
        yield {name: held(name) for name in HOSTILE}
    finally:
        for name, value in before.items():
            config_states[name]._set(value)


def test_what_is_pinned_holds_inside_and_is_the_users_outside(hostile):
    with numerics.pinned():
        inside = {name: held(name) for name in HOSTILE}
    expected = {name: config_states[name](value).new_val for name, value in numerics.PINNED.items()}
    assert inside == expected
    assert {name: held(name) for name in HOSTILE} == hostile
    assert all(hostile[name] != expected[name] for name in HOSTILE)  # or the test would test nothing


MODEL = toy.TransformerConfig(vocab=2, n_ctx=5, n_layers=1, n_heads=1, d_model=8, d_head=4, d_mlp=16)
SMALL = Recipe(
    "rrxor", MODEL, "sampled", Optimiser("adam", 1e-2, 2, "cosine"), steps=8, batch=8, seeds=2, checkpoints=3
)


def digest(tree) -> str:
    return hashlib.sha256(b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(tree))).hexdigest()


def numbers(folder: Path, recipe: Recipe) -> list[str]:
    """What a recipe gives, resumed in a folder, and what analysis reads of it."""
    from analysis.constraint_load.cl5_attention_rank import patterns
    from analysis.constraint_load.cl6_gradient_overlap import gradients
    from analysis.instruments.contexts import contexts
    from analysis.instruments.evidence import observe
    from analysis.instruments.interventions.intervention import subjects
    from analysis.instruments.untrained import untrained

    run = train.obtain(recipe, folder)
    config, process, what = (
        recipe.model,
        recipe.ground_truth(),
        contexts(recipe.ground_truth(), recipe.model.n_ctx),
    )
    fresh, site = untrained(recipe), config.stream[-1]
    found = {
        "history": run.history(),
        "params": run.params(),
        "untrained": fresh,
        "observed": [(e.activations, e.log_prediction) for e in observe(config, fresh, what, config.stream)],
        "steered": train.steer(config, fresh, train.Steering("rrxor", site, 0, 3, 1e-2, 8, 0), np.eye(8)),
        "gradients": gradients(config, fresh, process, count=2, batch=4, seed=0),
        "patterns": patterns(config, fresh, what.words[-3:].clip(0)),
        "subjects": [s[0].predict(s[0].stream[:5], np.arange(5)) for s in subjects(run, what, [site])],
    }
    return [f"{name} {digest(tree)}" for name, tree in found.items()]


def begun(folder: Path) -> Path:
    """A store in which the small recipe is trained for some steps."""
    with contextlib.closing(train.open_run(folder / SMALL.hash, SMALL).train()) as steps:
        next(steps)
        next(steps)
    return folder


CHILD = """
import json, sys
from pathlib import Path
from tests.train.machine.test_environment import SMALL, numbers
print(json.dumps(numbers(Path(sys.argv[1]), SMALL)))
"""


def child(code: str, folder: Path, **variables: str):
    """What a process of its own says of a store."""
    environ = (
        os.environ
        | {"JAX_COMPILATION_CACHE_DIR": str(jax.config.values["jax_compilation_cache_dir"])}
        | variables
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, cwd=ROOT, env=environ
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return numbers(tmp_path_factory.mktemp("known"), SMALL)


VARIABLES = {
    name.upper(): str(int(value) if isinstance(value, bool) else value) for name, value in HOSTILE.items()
} | {
    "PYTHONOPTIMIZE": "2",  # no assertion is needed for what is right
    "PYTHONHASHSEED": "7",
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "3",
}


@pytest.mark.thorough
def test_a_run_resumed_under_every_variable_at_once_gives_the_same_bits(known, tmp_path):
    refused_by_jax = {"JAX_EXPLICIT_X64_DTYPES", "JAX_DEFAULT_DEVICE"}  # it cannot read these two from text
    assert (
        child(
            CHILD,
            begun(tmp_path),
            **{name: value for name, value in VARIABLES.items() if name not in refused_by_jax},
        )
        == known
    )
    assert len(train.open_run(tmp_path / SMALL.hash).made) == 1


@pytest.mark.thorough
def test_without_pins_the_same_configuration_gives_other_numbers(monkeypatch):
    """The planted violation: one pin taken out, one variable set."""
    seeds, start = np.arange(SMALL.seeds), train.initial(SMALL).params
    pins = {name: value for name, value in numerics.PINNED.items() if name != "jax_threefry_partitionable"}
    with jax.threefry_partitionable(False):
        assert digest(train.initial(SMALL).params) == digest(start)
        monkeypatch.setattr(numerics, "PINNED", pins)
        assert digest(initialiser(SMALL.model)(key_pairs(seeds, 0)[0])) != digest(start)


def test_devices_that_are_not_there_are_refused_in_a_sentence(forked):
    code = """
import jax, train
from benchmarks.work import FEW
for name in ("cuda", "tpu", "nonsense"):
    jax.config.update("jax_platforms", name)
    for ask in (lambda: train.initial(FEW), lambda: train.open_run("nowhere", FEW), lambda:
    train.versions(FEW)):
        try: ask()
        except train.RunError as error: print(error)
"""
    done = forked(code, env=os.environ | {"JAX_PLATFORMS": "cuda"})
    said = done.stdout.splitlines()
    assert len(said) == 9 and all(
        "asks for devices that JAX cannot use here" in line and "set JAX_PLATFORMS=cpu" in line
        for line in said
    ), done


@pytest.mark.parametrize("name", numerics.REFUSED)
def test_a_flax_that_builds_no_networks_is_refused_in_a_sentence(name, monkeypatch):
    monkeypatch.setitem(flax.config._values, name, not numerics.REFUSED[name])
    with pytest.raises(RunError, match=f"{name.upper()} is 1.*unset it"):
        train.initial(SMALL)


def unpinned(source: str) -> list[str]:
    """Calls that compile, or make keys, by the user's configuration of JAX and not by the lab's."""
    names = {"jit", "pmap", "PRNGKey", "wrap_key_data"}
    found = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Attribute)]
    written = [ast.unparse(n) for n in found if n.attr in names or ast.unparse(n) == "jax.random.key"]
    return [name for name in written if name not in ("train.jit", "numerics.jit")]


FILES = sorted(f for room in ("train", "analysis") for f in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_all_is_compiled_and_all_keys_are_made_in_one_place(file):
    assert file.name == "numerics.py" or unpinned(file.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "jax.jit(f)",
        "@jax.jit\ndef f(): pass",
        "k = jax.random.key(0)",
        "jax.random.PRNGKey(1)",
        "jax.random.wrap_key_data(x)",
    ],
)
def test_a_planted_unpinned_call_is_caught(line):
    assert unpinned(line)


ELSEWHERE = """
import json, sys
import train
from tests.train.machine.test_environment import SMALL, digest
try: train.obtain(SMALL, sys.argv[1])
except train.RunError as error: said = str(error)
run = train.obtain(SMALL, sys.argv[1], accept_other_bits=True)
print(json.dumps([said, [leg.step for leg in run.made], digest(run.history())]))
"""


@pytest.mark.thorough
def test_another_processor_gives_other_bits_and_is_refused_until_accepted(tmp_path, forked):
    """XLA compiles as for an older processor: without fused multiplication and addition."""
    home, away = (begun(tmp_path / place) for place in ("home", "away"))
    at = max(checkpoints.steps(away / SMALL.hash / "resume"))
    flags = f"{os.environ['XLA_FLAGS']} --xla_cpu_max_isa=SSE4_2"
    done = forked(ELSEWHERE, str(away), env=os.environ | {"XLA_FLAGS": flags})
    assert done.returncode == 0, done.stderr
    said, steps, found = json.loads(done.stdout.splitlines()[-1])
    assert "--xla_cpu_max_isa=SSE4_2" in said and "--accept-other-bits" in said and "\n" not in said
    assert steps == [0, at] and found != digest(train.obtain(SMALL, home).history())
