"""Do files and overrides merge as documented, and does every value know where it was written?"""

import json
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.config.merge import load_document
from archsim.errors import ConfigError


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def one(name, text):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    return one


@pytest.fixture
def chip(write):
    write("base/chip.yaml", "tile:\n  rows: 72\n  columns: 128\nadc: {bits: 5}\nlist: [1, 2]\n")
    write(
        "kws.yaml",
        """\
        extends: base/chip.yaml
        tile:
          rows: 64
        list: [3]
        layers:
          - units: 32
          - units: 12
        """,
    )
    return "kws.yaml"


def refusal(*args):
    with pytest.raises(ConfigError) as caught:
        load_document(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_mappings_merge_and_lists_replace(chip):
    document = load_document(chip)
    assert document.data == {
        "tile": {"rows": 64, "columns": 128},
        "adc": {"bits": 5},
        "list": [3],
        "layers": [{"units": 32}, {"units": 12}],
    }
    shown = {path: str(origin) for path, origin in document.origins.items()}
    assert shown["tile",] == "kws.yaml:2"
    assert shown["tile", "rows"] == "kws.yaml:3"
    assert shown["tile", "columns"] == str(Path("base/chip.yaml:3"))
    assert shown["list", 0] == "kws.yaml:4"
    assert ("list", 1) not in shown
    assert ("extends",) not in shown
    assert str(document.origin(("tile", "none", "deep"))) == "kws.yaml:2"


def test_later_bases_win(write):
    write("a.yaml", "x: 1\ny: 1\nz: 1")
    write("b.yaml", "y: 2\nz: 2")
    write("c.yaml", "extends: [a.yaml, b.yaml]\nz: 3")
    assert load_document("c.yaml").data == {"x": 1, "y": 2, "z": 3}


def test_a_diamond_reads_each_file_once(write):
    write("f0.yaml", "x: 0")
    for i in range(1, 18):
        write(f"f{i}.yaml", f"extends: [f{i - 1}.yaml, f{i - 1}.yaml]\ny{i}: {i}")
    assert load_document("f17.yaml").data["x"] == 0


@pytest.mark.parametrize("value", ["3", "null", "[a.yaml, 3]", "''", "{a: b}"])
def test_extends_takes_files_only(write, value):
    write("a.yaml", f"\nextends: {value}")
    assert refusal("a.yaml").startswith("a.yaml:2: extends takes a file or a list")


def test_extends_in_a_circle(write):
    write("a.yaml", "extends: sub/b.yaml")
    write("sub/b.yaml", "\nextends: ../a.yaml")
    message = refusal("a.yaml")
    assert message.startswith("sub/b.yaml:2: extends goes in a circle (a.yaml -> sub/b.yaml -> ")
    write("self.yaml", "extends: self.yaml")
    assert "circle" in refusal("self.yaml")


def test_extends_too_deep(write):
    write("f0.yaml", "x: 0")
    for i in range(1, 23):
        write(f"f{i}.yaml", f"extends: f{i - 1}.yaml")
    assert load_document("f20.yaml").data == {"x": 0}
    assert "more than 20 files deep" in refusal("f22.yaml")


def test_a_missing_base_names_the_line_that_names_it(write):
    write("a.yaml", "x: 1\nextends: none.yaml")
    assert refusal("a.yaml") == "a.yaml:2: the file none.yaml does not exist; check the path"


def test_an_error_in_a_base_names_the_base(write):
    write("b.yaml", "x: [")
    write("a.yaml", "extends: b.yaml")
    assert refusal("a.yaml").startswith("b.yaml:1: ")


def test_overrides(chip):
    document = load_document(
        chip,
        ["adc.bits=4", "layers.0.units=64", "tile.v_read=250 mV", "new.deep.key=[0, {a: 1}]",
         "list={b: 1}", "adc.bits = 6"],
    )  # fmt: skip
    assert document.data["adc"] == {"bits": 6}
    assert document.data["layers"] == [{"units": 64}, {"units": 12}]
    assert document.data["tile"] == {"rows": 64, "columns": 128, "v_read": "250 mV"}
    assert document.data["new"] == {"deep": {"key": [0, {"a": 1}]}}
    assert document.data["list"] == {"b": 1}
    assert str(document.origins["adc", "bits"]) == "--set adc.bits = 6"
    assert str(document.origins["new", "deep", "key", 1, "a"]) == "--set new.deep.key=[0, {a: 1}]"
    assert str(document.origins["layers", 1, "units"]) == "kws.yaml:7"
    assert ("list", 0) not in document.origins
    assert document.data["tile"]["v_read"].origin.file is None


def test_null_takes_away_what_is_inherited(chip, write):
    write(
        "drop.yaml", "extends: kws.yaml\ntile: {rows: null, depth: null}\nadc: null\nlist: null\n"
    )
    document = load_document("drop.yaml", ["layers.0.units=null", "name=null"])
    assert document.data == {
        "tile": {"columns": 128, "depth": None},
        "layers": [{}, {"units": 12}],
        "name": None,
    }
    assert ("adc", "bits") not in document.origins
    assert str(document.origin(("tile", "rows"))) == "drop.yaml:2"
    assert str(document.origin(("layers", 0, "units"))) == "--set layers.0.units=null"


def test_overrides_leave_other_documents_alone(write):
    write("a.yaml", "a: &a [1]\nb: *a")
    assert load_document("a.yaml", ["a.0=2"]).data == {"a": [2], "b": [1]}
    assert load_document("a.yaml").data == {"a": [1], "b": [1]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("adc.bits", "write --set key.sub=value, for example --set adc.bits=4"),
        ("=4", "write --set key.sub=value"),
        ("adc..bits=4", "write --set key.sub=value"),
        ("", "write --set key.sub=value"),
        ("adc.bits=", "there is no value; write null"),
        ("layers.2.units=4", "write layers.0 to layers.1"),
        ("layers.-1.units=4", "layers is a list of 2, '-1' is not in it"),
        ("layers.x.units=4", "layers is a list of 2"),
        ("layers.2=4", "write layers.0 to layers.1"),
        ("adc.bits.x=4", "adc.bits is a single value, 'x' cannot be set in it"),
        ("adc.bits.x.y=4", "adc.bits is a single value"),
        ("extends=b.yaml", "extends works in files only"),
        ("adc.bits=[1", "bracket"),
        ("adc.bits=0777", "write 777"),
        (".".join("a" * 60) + "=1", "more than 50 keys deep"),
    ],
)
def test_overrides_that_are_refused(chip, text, words):
    message = refusal(chip, [text])
    assert message.startswith("--set")
    assert words in message


TREES = st.recursive(
    st.integers() | st.none(),
    lambda children: (
        st.dictionaries(st.sampled_from("abc"), children, max_size=3)
        | st.lists(children, max_size=2)
    ),
    max_leaves=8,
)
FILES = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3).filter(bool)


def naive_merge(low, high):
    if not (isinstance(low, dict) and isinstance(high, dict)):
        return high
    merged = dict(low)
    for key, value in high.items():
        if value is None and low.get(key) is not None:
            del merged[key]
        else:
            merged[key] = naive_merge(low[key], value) if key in low else value
    return merged


def key_paths(value, path=()):
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    return {path}.union(*(key_paths(child, (*path, key)) for key, child in items))


@given(FILES, FILES)
def test_merging_agrees_with_the_naive_twin(tmp_path_factory, low, high):
    folder = tmp_path_factory.mktemp("merge")
    (folder / "low.yaml").write_text(json.dumps(low))
    (folder / "high.yaml").write_text(json.dumps({"extends": "low.yaml", **high}))
    document = load_document(folder / "high.yaml")
    merged = naive_merge(low, high)
    assert document.data == merged
    taken = {path for path in key_paths(high) - key_paths(merged) if document.origins[path]}
    assert set(document.origins) == key_paths(merged) | taken
