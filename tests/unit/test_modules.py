"""Which module has no file of tests of its own name, and where is it tested instead?

``archsim/ROOM/MODULE.py`` is tested in ``tests/unit/ROOM/test_MODULE.py``, or a line of ELSEWHERE
says where and why. A line that is needed no more fails too.
"""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.runs import ROOT

SOURCE, TESTS = ROOT / "archsim", ROOT / "tests"

ELSEWHERE = {
    # kernels: against plain programs, which compute whole conversions and sequences
    "kernels/events": ("twins/test_events.py", "has the name of its twin"),
    "kernels/record": ("twins/test_record.py", "has the name of its twin"),
    "kernels/recurrent": ("twins/test_recurrent.py", "has the name of its twin"),
    "kernels/tile": ("twins/test_tile.py", "has the name of its twin"),
    "kernels/rails": ("twins/test_rails.py", "has the name of its twin"),
    "kernels/fused": ("twins/test_fused.py", "has the name of its twin"),
    "kernels/product": ("twins/test_sums.py", "exact sums are one question"),
    "kernels/[abcdejmst]*": (
        "twins/test_fused.py",
        "parts of a conversion",
    ),
    "numeric/weighted": ("twins/test_sums.py", "exact sums are one question"),
    "numeric/search": ("unit/transfer/test_decisions.py", "the twin of a definition that is there"),
    "numeric/jit": ("unit/numeric/test_cache.py", "what it compiles is what the cache keeps"),
    "numeric/cache/*": ("unit/numeric/test_cache_folder.py", "the cache is tested as one thing"),
    "numeric/inner/llvm": (
        "unit/numeric/test_loops.py",
        "against plain loops",
    ),
    "chip/converters/*/kernel*": ("twins/test_tile.py", "every kind is held against its twin"),
    "chip/layers/*/kernel": ("twins/test_layers.py", "every kind is held against its twin"),
    # the chip: what is built is seen in what it computes, in closed forms and in statistics
    "chip/analog": ("physics/test_statistics.py", "what is drawn is seen in its distribution"),
    "chip/bank": ("physics/test_closed_forms.py", "what is built is seen in charges and joules"),
    "chip/build": ("physics/test_closed_forms.py", "what is built is seen in charges and joules"),
    "chip/cut": ("physics/test_cut_layers.py", "a cut layer computes what an uncut one does"),
    "chip/mapped_matrix": (
        "physics/test_cut_layers.py",
        "a cut layer computes what an uncut one does",
    ),
    "chip/mapping": ("physics/test_programming.py", "what is programmed is seen in conductances"),
    "chip/programming": ("physics/test_programming.py", "what is programmed is seen in ramps"),
    "chip/operations": ("physics/test_schedules.py", "operations are seen in when they run"),
    "chip/program": ("physics/test_schedules.py", "operations are seen in when they run"),
    "chip/spec": ("physics/test_statistics.py", "holds data and computes nothing"),
    "chip/totals": ("physics/test_closed_forms.py", "sums are seen in areas and energies"),
    "chip/tile_cost": (
        "unit/costs/test_costs_converters.py",
        "tiles have converters",
    ),
    "chip/wires*": ("physics/test_wires.py", "the approximation against nodal analysis"),
    "chip/converters/*/cost": ("unit/costs/test_costs_converters.py", "kinds are compared"),
    "chip/converters/cost": (
        "unit/costs/test_costs_converters.py",
        "an interface of kinds",
    ),
    "chip/converters/*/clipped": ("article/test_isaac.py", "only that design's converters clip"),
    "chip/converters/clipped": ("physics/test_clipping.py", "clipping is one question"),
    "chip/converters/*/build": ("golden/test_golden_chips.py", "chips of every kind of converters"),
    "chip/converters/*/section": ("robust/test_every_key.py", "every key of every section"),
    "chip/converters/base": ("robust/test_extension.py", "an interface: a package implements it"),
    "chip/converters/design": (
        "physics/test_ideal_converter.py",
        "kinds without ramps",
    ),
    "chip/layers/*/section": ("robust/test_every_key.py", "every key of every section"),
    "chip/layers/*/build": ("golden/test_golden_chips.py", "chips of every kind of layers"),
    "chip/layers/lstm/clipped": ("physics/test_clipping.py", "clipping is one question"),
    "chip/layers/lstm/functions": ("physics/test_gate_functions.py", "seen in what layers compute"),
    "chip/layers/lstm/tensors": ("unit/network/test_weights.py", "tensors are read from files"),
    "chip/layers/*/reference": ("physics/test_cut_layers.py", "the reference that chips approach"),
    "chip/layers/base": ("robust/test_extension.py", "an interface: a package implements it"),
    "chip/layers/signal": ("physics/test_lengths.py", "what flows is seen in what comes out"),
    "chip/layers/recurrent": ("robust/test_extension.py", "a cell from outside is built on it"),
    "chip/layers/recurrent_*": ("physics/test_directions.py", "whole layers, either way"),
    "chip/layers/*/arithmetic": ("physics/test_word_layers.py", "against plain whole numbers"),
    "chip/layers/words": ("physics/test_word_layers.py", "what layers on words have in common"),
    "chip/layers/processors": ("physics/test_ideal_cells.py", "seen in what timesteps take"),
    "chip/layers/gates": ("physics/test_gate_functions.py", "seen in what layers compute"),
    "chip/layers/cell_function": ("physics/test_gate_functions.py", "seen in what layers compute"),
    "chip/layers/circuit_limits": ("physics/test_clipping.py", "clipping is one question"),
    "chip/layers/clipped": ("physics/test_clipping.py", "clipping is one question"),
    "chip/layers/functions": ("physics/test_gate_functions.py", "seen in what layers compute"),
    "chip/layers/ranges": ("physics/test_output_range.py", "ranges are seen in outputs"),
    # what reads and checks: by what a user writes
    "config/activations": ("unit/network/test_activations.py", "functions are tested together"),
    "config/points": ("unit/network/test_activations.py", "functions are tested together"),
    "config/words": ("physics/test_word_layers.py", "sizes are learnt from networks"),
    "config/[bchrs]*": ("robust/test_every_key.py", "every key of every section"),
    "config/experiment": ("unit/config/test_kinds.py", "kinds are tested together"),
    "config/device": ("unit/devices/test_devices.py", "devices are tested together"),
    "config/fields": ("unit/config/test_kinds.py", "fields that kinds fill"),
    "config/walk": ("unit/config/test_validate.py", "places are seen in messages"),
    "config/load": (
        "unit/simulation/test_run.py",
        "what is loaded is run, and read again from a trace",
    ),
    "config/origin": ("unit/config/test_yaml_source.py", "places are seen in messages"),
    "config/plain_source": ("unit/test_api.py", "what a program gives in place of a file"),
    "config/units": ("unit/config/test_quantity.py", "units are seen in quantities"),
    "config/tasks": ("unit/simulation/test_tasks.py", "sections and what they do are one"),
    "config/w[ai]*": ("robust/test_every_key.py", "keys without effect against runs"),
    "config/yaml_scalar": ("unit/config/test_yaml_source.py", "scalars are read in documents"),
    "costs/models/*": ("unit/costs/test_components.py", "models are seen in libraries"),
    "costs/digital": ("unit/costs/test_costs_actions.py", "costs are counted actions"),
    "costs/parts": ("unit/costs/test_costs_actions.py", "costs are counted actions"),
    "costs/operation": ("unit/costs/test_costs_actions.py", "costs are counted actions"),
    "costs/library": ("unit/costs/test_component_library_file.py", "a library is a file"),
    "costs/scaling": ("unit/costs/test_components.py", "libraries at other nodes"),
    "costs/used": ("unit/costs/test_components.py", "what a chip uses of a library"),
    "devices/*": ("unit/devices/test_devices.py", "devices are tested together"),
    "network/activations/*": ("unit/network/test_activations.py", "functions, one beside another"),
    "network/identity": ("robust/test_identity.py", "has its name in another folder"),
    "network/nonlinear": ("physics/test_conventional.py", "digital processors are that design's"),
    "network/[fpuw]*": ("unit/network/test_weights.py", "weights are files"),
    "network/importers/onnx*": ("unit/network/test_import_onnx.py", "files, whole"),
    "network/importers/keras*": ("unit/network/test_import_keras.py", "files, whole"),
    "network/importers/torch_module": ("unit/network/test_import_torch.py", "modules, whole"),
    "network/importers/state_dict": ("unit/network/test_import_torch.py", "modules, whole"),
    "network/importers/[fr]*[ey][ls]": ("robust/test_hostile_networks.py", "files as they come"),
    "network/importers/[pw]*": ("unit/network/test_import_writer.py", "what is written is run"),
    "network/importers/report": ("unit/network/test_import_writer.py", "what is written is told"),
    "network/importers/*": ("unit/network/test_import_tensors.py", "networks of tensors, whole"),
    "workloads/mfcc": ("unit/workloads/test_speech_commands.py", "recordings are read as a whole"),
    "workloads/wav": ("unit/workloads/test_speech_commands.py", "recordings are read as a whole"),
    "workloads/file/*": ("unit/workloads/test_file.py", "files are read as a whole"),
    "workloads/sequences": ("unit/simulation/test_tasks.py", "holds data and computes nothing"),
    "workloads/base": ("robust/test_features_that_meet.py", "workloads meet networks"),
    "workloads/*/section": ("robust/test_every_key.py", "every key of every section"),
    "workloads/*/*[dr]s": ("unit/workloads/test_speech_commands.py", "recordings, as a whole"),
    "workloads/*/load": ("unit/workloads/test_features.py", "features are files"),
    "workloads/synthetic/sequences": ("unit/bench/test_bench_sections.py", "the benchmark's data"),
    "transfer/exact": ("physics/test_ideal_converter.py", "only that converter uses it"),
    "transfer/linearity": ("physics/test_linearity.py", "has its name in another folder"),
    "api/*": ("unit/test_api.py", "the face is tested as one"),
    # runs and traces
    "simulation/recording/actions": (
        "unit/costs/test_action_counts.py",
        "counts of actions are files",
    ),
    "simulation/recording/*": ("golden/test_golden.py", "traces against their stored sums"),
    "simulation/ranges": ("unit/simulation/test_calibrate.py", "ranges are found for a run"),
    "simulation/calibrated_file": ("unit/simulation/test_calibrate.py", "what is found is written"),
    "report/calibration": ("unit/simulation/test_calibrate.py", "what is found is told"),
    "simulation/tasks/targets": ("unit/simulation/test_tasks.py", "tasks are tested together"),
    "simulation/tasks/*/section": ("unit/simulation/test_tasks.py", "tasks are tested together"),
    "simulation/energies": ("physics/test_closed_forms.py", "energies are sums that are known"),
    "simulation/timing": ("physics/test_schedules.py", "operations are seen in when they run"),
    "simulation/inputs": ("robust/test_inputs.py", "has its name in another folder"),
    "simulation/prepare": ("robust/test_every_key.py", "what a run refuses, a check refuses"),
    "simulation/simulate": ("unit/simulation/test_run.py", "runs are tested together"),
    "trace/*": ("robust/test_hostile_traces.py", "what is written is read, cut and bent"),
    "analysis/published": ("article/test_published.py", "published figures are the article's"),
    "analysis/sameness": ("robust/test_identity.py", "what makes designs the same"),
    "analysis/waveform": ("cli/test_pictures.py", "what is drawn of a conversion"),
    "report/*_picture": ("cli/test_pictures.py", "pictures are drawn by commands"),
    "report/imported": ("unit/network/test_import_writer.py", "an import and what is said of it"),
    "report/catalogue": ("cli/test_names.py", "what there is by name"),
    "report/doctor": ("cli/test_names.py", "what there is on a machine"),
    "report/published": ("article/test_published.py", "published figures are the article's"),
    "report/[ags]*": ("unit/bench/test_bench_report.py", "reports of the benchmark"),
    "report/[cert]*": ("cli/test_commands.py", "reports are what commands print"),
    # measuring, experiments, netlists
    "bench/peers/drivers/*": ("unit/bench/test_bench.py", "contests, whole"),
    "bench/peers/*": ("unit/bench/test_bench.py", "contests, whole"),
    "bench/*": ("unit/bench/test_bench_sections.py", "sections of the benchmark, whole"),
    "experiments/work": ("unit/experiments/test_jobs.py", "jobs of both sorts are tested together"),
    "experiments/store": ("unit/experiments/test_jobs.py", "what jobs found is kept"),
    "experiments/*": ("unit/experiments/test_experiments.py", "experiments, whole"),
    "spice/*": ("unit/spice/test_spice.py", "netlists are run"),
    # the program itself
    "__main__": ("robust/test_extension.py", "runs the program as a module"),
    "commands/*": ("cli/test_commands.py", "commands are tested as users give them"),
    "starter": ("cli/test_names.py", "what a command copies"),
    "cli": ("cli/test_commands.py", "commands are tested as users give them"),
    "clipping": ("physics/test_clipping.py", "clipping is one question"),
    "drafts": ("robust/test_drafts.py", "has its name in another folder"),
    "e[rx]*": ("robust/test_wrong_inputs.py", "errors are seen as sentences and exit codes"),
    "listing": ("cli/test_listing.py", "has its name in another folder"),
    "o*": ("robust/test_outputs.py", "options and outputs of commands"),
    "shipped": ("robust/test_surroundings.py", "files that come with archsim"),
    "[cns][ohi]*": ("cli/test_commands.py", "what commands print"),
    "vocabulary": ("twins/test_tile.py", "words, and nothing to compute"),
}
"""Modules by pattern; the first that fits says where they are tested, and why there."""


def without_own_test() -> list[str]:
    """Return the modules that have no file of tests of their name in their room's folder."""
    out = []
    for path in sorted(SOURCE.rglob("*.py")):
        module = path.relative_to(SOURCE).with_suffix("")
        room = module.parts[0] if len(module.parts) > 1 else ""
        own = TESTS / "unit" / room / f"test_{module.name}.py"
        if module.name != "__init__" and not own.exists():
            out.append(module.as_posix())
    return out


def line_of(module: str) -> str | None:
    """Return the first pattern that fits a module; a star stands for no slash."""
    fitting = (
        pattern
        for pattern in ELSEWHERE
        if pattern.count("/") == module.count("/") and fnmatch(module, pattern)
    )
    return next(fitting, None)


def test_every_module_is_tested_somewhere():
    assert [module for module in without_own_test() if line_of(module) is None] == []


@pytest.mark.parametrize("pattern", ELSEWHERE)
def test_a_line_is_needed_and_true(pattern):
    assert pattern in map(line_of, without_own_test()), "no module needs this line"
    place, why = ELSEWHERE[pattern]
    assert (TESTS / place).is_file()
    assert why


def test_every_folder_of_tests_is_a_room():
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    folders = {path.name for path in (TESTS / "unit").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} <= rooms


def test_names_of_tests_do_not_repeat():
    names = [path.name for path in Path(TESTS).rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))
