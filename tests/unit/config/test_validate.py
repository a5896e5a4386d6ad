"""Does every mistake in a document give a sentence with file, line, key and what to change?"""

import subprocess
import sys
import textwrap
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from archsim.config.load import load_config
from archsim.config.merge import load_document
from archsim.config.quantity import ConfigPath, Quantity
from archsim.config.validate import InvalidDocumentError, validate_document
from archsim.errors import ConfigError
from tests.runs import KWS


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shape(StrEnum):
    SIGMOID = "sigmoid"
    TANH = "tanh"


class Adc(Section):
    bits: int = Field(ge=1, le=10)
    shape: Shape = Shape.TANH
    lanes: Literal[1, 2, 4] = 1
    gain: float = Field(1.0, gt=0, lt=100)
    gated: bool = True
    cells: Literal["auto"] | Annotated[int, Field(ge=0)] = "auto"
    step: int = Field(2, multiple_of=2)

    @field_validator("step")
    @classmethod
    def _not_ten(cls, value: int) -> int:
        if value == 10:
            msg = "10 does not fit,\n  take 8"
            raise ValueError(msg)
        return value


class Tile(Section):
    rows: int
    columns: int = Field(128, alias="columns")
    v_read: Annotated[float, Quantity("V", gt=0)]

    @model_validator(mode="after")
    def _order(self) -> "Tile":
        if self.rows > self.columns:
            msg = f"rows ({self.rows}) are more than columns ({self.columns})"
            raise ValueError(msg)
        return self


class Lstm(Section):
    kind: Literal["lstm"]
    units: int
    name: Annotated[str, Field(pattern=r"^[a-z]+$", min_length=2, max_length=5)] = "lstm"


class Linear(Section):
    kind: Literal["linear"]
    units: int
    span: tuple[float, float] = (-8.0, 8.0)


class Cat(Section):
    meows: int


class Dog(Section):
    barks: int
    bites: int = 0


class Chip(Section):
    adc: Adc
    tile: Tile
    layers: tuple[Annotated[Lstm | Linear, Field(discriminator="kind")], ...] = Field(
        (), min_length=1, max_length=3
    )
    named: dict[Annotated[str, Field(pattern="^[a-z]+$")], Adc] = {}
    pick: Literal["all"] | tuple[Annotated[int, Field(ge=0)], ...] = "all"
    pet: Cat | Dog | None = None
    weights: ConfigPath | None = None
    note: str | None = None
    tree: "Node | None" = None


class Node(Section):
    value: int
    kids: list["Node"] = []


CHIP = """\
adc:
  bits: 5
tile:
  rows: 64
  v_read: 200 mV
layers:
  - kind: lstm
    units: 32
  - kind: linear
    units: 12
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def from_text(text=CHIP, *overrides):
        Path("a.yaml").write_text(textwrap.dedent(text))
        return validate_document(load_document("a.yaml", overrides), Chip)

    return from_text


def problems(check, *args):
    with pytest.raises(InvalidDocumentError) as caught:
        check(*args)
    assert str(caught.value) == "\n".join(caught.value.problems)
    assert isinstance(caught.value, ConfigError)
    assert "pydantic" not in str(caught.value)
    assert "Input" not in str(caught.value)
    return caught.value.problems


def test_a_good_document(check):
    chip = check(
        CHIP + "pick: [0, 2]\nweights: sub/w.npz\nnamed: {a: {bits: 3, shape: sigmoid, gain: 3}}\n"
        "pet: {barks: 1}\ntree: {value: 1, kids: [{value: 2}]}\n"
    )
    assert chip.tile == Tile.model_validate({"rows": 64, "v_read": "0.2 V"})
    assert chip.layers == (
        Lstm(kind="lstm", units=32),
        Linear(kind="linear", units=12),
    )
    assert chip.pick == (0, 2)
    assert chip.named["a"].shape is Shape.SIGMOID
    assert type(chip.named["a"].gain) is float
    assert chip.pet == Dog(barks=1)
    assert chip.weights == Path("sub/w.npz").resolve()


def test_paths_of_a_base_start_at_the_base(check):
    Path("base").mkdir()
    Path("base/b.yaml").write_text(CHIP + "weights: w.npz\n")
    chip = check("extends: base/b.yaml\nnote: w.npz\n")
    assert chip.weights == Path("base/w.npz").resolve()


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("adc.bits=23", "adc.bits: 23 is above the maximum 10"),
        ("adc.bits=0", "adc.bits: 0 is below the minimum 1"),
        ("adc.bits='4'", "adc.bits: expected a whole number, got '4' (text)"),
        ("adc.bits=4.0", "adc.bits: expected a whole number, got 4.0"),
        ("adc.bits=true", "adc.bits: expected a whole number, got true"),
        ("adc.bits=null", "adc: the key 'bits' is missing"),
        ("adc.bits=[4]", "adc.bits: expected a whole number, got a list"),
        ("adc.bits={a: 4}", "adc.bits: expected a whole number, got a mapping"),
        ("adc.gain=0", "adc.gain: 0 is not above 0"),
        ("adc.gain=100", "adc.gain: 100 is not below 100"),
        ("adc.gain='2'", "adc.gain: expected a number, got '2' (text)"),
        ("adc.gain=true", "adc.gain: expected a number, got true"),
        ("adc.gated=yes", "adc.gated: expected true or false, got 'yes' (text)"),
        ("adc.gated=1", "adc.gated: expected true or false, got 1"),
        ("note=3", "note: expected text, got 3"),
        ("adc.step=3", "adc.step: 3 is not a multiple of 2"),
        ("adc.step=10", "adc.step: 10 does not fit, take 8"),
        ("adc.shape=sigmod",
         "adc.shape: 'sigmod' is not one of sigmoid, tanh (did you mean 'sigmoid'?)"),
        ("adc.shape=3", "adc.shape: 3 is not one of sigmoid, tanh"),
        ("adc.lanes=3", "adc.lanes: 3 is not one of 1, 2, 4"),
        ("adc.lanes='2'", "adc.lanes: '2' is not one of 1, 2, 4"),
        ("adc.cells=-1", "adc.cells: -1 is below the minimum 0"),
        ("adc.cells=aut", "adc.cells: expected 'auto' or a whole number, got 'aut' (text)"),
        ("adc.cells=1.5", "adc.cells: expected 'auto' or a whole number, got 1.5"),
        ("adc.bitz=3", "adc: unknown key 'bitz' (did you mean 'bits'?)"),
        ("tile.v_read=0.2", "tile.v_read: 0.2 needs a unit, for example '0.2 V'"),
        ("tile.v_read=5 kg",
         "tile.v_read: '5 kg' is a mass, expected a unit of V (for example '0.2 V')"),
        ("tile.rows=200", "tile: rows (200) are more than columns (128)"),
        ("tile=3", "tile: expected a mapping (key: value), got 3"),
        ("layers=3", "layers: expected a list, got 3"),
        ("layers=[]", "layers: has 0 entries, but needs at least 1"),
        ("layers.0=3", "layers.0: expected a mapping (key: value), got 3"),
        ("layers.0={units: 3}", "layers.0: the key 'kind' is missing; it is one of lstm, linear"),
        ("layers.0.kind=lsmt",
         "layers.0.kind: 'lsmt' is not one of lstm, linear (did you mean 'lstm'?)"),
        ("layers.0.kind=3", "layers.0.kind: '3' is not one of lstm, linear"),
        ("layers.0.unit=3", "layers.0: unknown key 'unit' (did you mean 'units'?)"),
        ("layers.1.span=[1, 2, 3]", "layers.1.span: has 3 entries, but may have at most 2"),
        ("layers.1.span=[1, x]", "layers.1.span.1: expected a number, got 'x' (text)"),
        ("layers.0.name=A1", "layers.0.name: 'A1' does not have the form ^[a-z]+$"),
        ("layers.0.name=a", "layers.0.name: 'a' is too short, it needs at least 2 characters"),
        ("layers.0.name=abcdef",
         "layers.0.name: 'abcdef' is too long, it may have at most 5 characters"),
        ("named.a={bitz: 3}", "named.a: unknown key 'bitz' (did you mean 'bits'?)"),
        ("named.A1={bits: 3}", "named.A1: 'A1' does not have the form ^[a-z]+$"),
        ("pick=al", "pick: expected 'all' or a list, got 'al' (text)"),
        ("pick=[0, -1]", "pick.1: -1 is below the minimum 0"),
        ("pet={meows: x}", "pet.meows: expected a whole number, got 'x' (text)"),
        ("pet=3", "pet: expected a mapping (key: value), got 3"),
        ("tree={value: 1, kids: [{valu: 1}]}",
         "tree.kids.0: unknown key 'valu' (did you mean 'value'?)"),
        ("weights=3", "weights: expected the path of a file or directory, as text"),
        ("adcs=3", "unknown key 'adcs' (did you mean 'adc'?)"),
        ("tree={value: 1, x: 3}", "tree: unknown key 'x' (known keys: value, kids)"),
    ],
)  # fmt: skip
def test_an_override_in_words(check, override, sentence):
    assert problems(check, CHIP, override) == (f"--set {override}: {sentence}",)


def test_lines_in_files(check):
    text = CHIP.replace("bits: 5", "bits: 23").replace("rows: 64", "rows: x")
    assert problems(check, text) == (
        "a.yaml:2: adc.bits: 23 is above the maximum 10",
        "a.yaml:4: tile.rows: expected a whole number, got 'x' (text)",
    )


def test_a_missing_key_names_the_mapping(check):
    assert problems(check, CHIP.replace("bits: 5", "gain: 2")) == (
        "a.yaml:1: adc: the key 'bits' is missing",
    )
    assert problems(check, CHIP.partition("layers")[0].replace("adc", "layers")) == (
        "a.yaml: the key 'adc' is missing",
        "a.yaml:1: layers: expected a list, got a mapping",
    )


def test_a_misspelt_key_is_one_problem(check):
    text = CHIP.replace("bits: 5", "bit: 5")
    assert problems(check, text) == ("a.yaml:2: adc: unknown key 'bit' (did you mean 'bits'?)",)


def test_a_problem_between_keys_names_the_line_of_a_key(check):
    assert problems(check, CHIP.replace("rows: 64", "rows: 640")) == (
        "a.yaml:4: tile: rows (640) are more than columns (128)",
    )
    assert problems(check, CHIP, "tile.columns=2") == (
        "--set tile.columns=2: tile: rows (64) are more than columns (2)",
    )


def test_at_most_five_problems_in_file_order(check):
    Path("b.yaml").write_text("adc: {bits: 5, a: 1, b: 1}\n")
    text = "extends: b.yaml\nzz: 1\nyy: 1\nxx: 1\n" + CHIP.replace("adc:\n  bits: 5\n", "")
    found = problems(check, text, "qq=1")
    assert [problem.split(": ")[0] for problem in found] == [
        "--set qq=1", "a.yaml:2", "a.yaml:3", "a.yaml:4", "b.yaml:1",
    ]  # fmt: skip


def test_problems_of_a_base_name_the_base(check):
    Path("b.yaml").write_text(CHIP.replace("bits: 5", "bits: 11"))
    assert problems(check, "extends: b.yaml\n") == (
        "b.yaml:2: adc.bits: 11 is above the maximum 10",
    )


def test_other_errors_of_validators_pass_through(check, monkeypatch):
    class Broken(Section):
        a: int

        @field_validator("a")
        @classmethod
        def _fail(cls, value: int) -> int:
            msg = f"a bug at {value}"
            raise RuntimeError(msg)

    Path("a.yaml").write_text("a: 1")
    with pytest.raises(RuntimeError, match="a bug"):
        validate_document(load_document("a.yaml"), Broken)


def test_nothing_heavy_is_imported():
    code = (
        "import sys, archsim.config.validate; print({'numba', 'h5py', 'torch'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


def test_whole_number_choices_come_back_as_declared(check):
    for text in ("2", "2.0"):
        lanes = check(CHIP, f"adc.lanes={text}").adc.lanes
        assert (lanes, type(lanes)) == (2, int)


def test_models_that_are_strict_take_lists_and_enumerations(check):
    class Strict(Section):
        model_config = ConfigDict(strict=True)

        shape: Shape
        span: tuple[int, ...]
        path: ConfigPath

    Path("a.yaml").write_text("shape: tanh\nspan: [1]\npath: x")
    strict = validate_document(load_document("a.yaml"), Strict)
    assert (strict.shape, strict.span) == (Shape.TANH, (1,))


def test_an_inherited_key_of_another_kind_names_who_chose_the_kind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parts = "model: memristor, g_min: 1 uS, g_max: 150 uS, faults: {stuck_on: 1 %}"
    sources = ", ".join(f"{key}: 'assumed: a test'" for key in ("g_min", "g_max", "faults"))
    Path("base.yaml").write_text(f"extends: {KWS}\ndevice: {{{parts}, sources: {{{sources}}}}}\n")
    over = "extends: base.yaml\ndevice:\n  model: ideal\n"
    Path("over.yaml").write_text(over)
    with pytest.raises(ConfigError) as caught:
        load_config("over.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("base.yaml:2: device: unknown key 'faults' (")
    assert lines[0].endswith(
        "; device.model is 'ideal' by over.yaml:3: write faults: null there to take it away"
    )
    with pytest.raises(ConfigError, match=r"add --set device\.faults=null to take it away"):
        load_config("base.yaml", ["device.model=ideal"])
    Path("over.yaml").write_text(over + "  faults: null\n  sources: null\n")
    dropped = ["device.model=ideal", "device.faults=null", "device.sources=null"]
    assert load_config("over.yaml").hash == load_config("base.yaml", dropped).hash
