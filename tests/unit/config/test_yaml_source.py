"""Does reading YAML give exactly what is written, or one sentence that says what to change?"""

import copy
import os
import pickle
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archsim.config import yaml_source
from archsim.config.origin import Origin, SourceStr
from archsim.config.yaml_source import parse_value, read_yaml
from archsim.errors import ConfigError

PARSERS = [yaml.SafeLoader] + ([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.__name__, autouse=True)
def parser(request, monkeypatch):
    """Run every test with PyYAML's own parser and with libyaml's."""
    monkeypatch.setattr(yaml_source, "_Loader", request.param)


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def from_text(text):
        data = text if isinstance(text, bytes) else text.encode()
        Path("a.yaml").write_bytes(data)
        return read_yaml("a.yaml")

    return from_text


def refusal(read, text):
    with pytest.raises(ConfigError) as caught:
        read(text)
    message = str(caught.value)
    assert message.startswith("a.yaml")
    assert "\n" not in message
    return message


SCALARS = [
    ("1e-12", 1e-12), ("3E8", 3e8), ("1.5e3", 1.5e3), (".5", 0.5), ("5.", 5.0), ("-0.25", -0.25),
    ("42", 42), ("-7", -7), ("+7", 7), ("0", 0), ("0x1F", 31), ("0o17", 15),
    ("no", "no"), ("on", "on"), ("yes", "yes"), ("off", "off"), ("y", "y"),
    ("true", True), ("True", True), ("FALSE", False), ("tRUE", "tRUE"),
    ("null", None), ("~", None), ("", None), ("nUll", "nUll"),
    ("1:30", "1:30"), ("1_000", "1_000"), ("2024-01-31", "2024-01-31"), ("=", "="),
    ("nan", "nan"), ("inf", "inf"), ("-0x1F", "-0x1F"), ("1e", "1e"), ("200 mV", "200 mV"),
    ("'1e-12'", "1e-12"), ('"true"', "true"), ("'.inf'", ".inf"), ("'0777'", "0777"),
    ("|\n  b\n  c\n", "b\nc\n"), ("[1, [x]]", [1, ["x"]]), ("{b: 1}", {"b": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalars_follow_the_core_schema(read, text, value):
    data = read(f"a: {text}").data["a"]
    assert data == value
    assert type(data) is (SourceStr if isinstance(value, str) else type(value))


def test_every_key_path_knows_its_line(read):
    source = read("a:\n  b:\n    - 1\n    - c: x\nd: y\n")
    lines = {path: origin.line for path, origin in source.origins.items()}
    assert lines == {
        (): 0, ("a",): 1, ("a", "b"): 2, ("a", "b", 0): 3, ("a", "b", 1): 4,
        ("a", "b", 1, "c"): 4, ("d",): 5,
    }  # fmt: skip
    assert str(source.data["d"].origin) == "a.yaml:5"


def test_text_keeps_its_origin_through_copies(read):
    text = read("a: x").data["a"]
    for twin in (copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        assert twin == "x"
        assert twin.origin == text.origin


def test_aliases_are_copies(read):
    source = read("a: &a {b: [1]}\nc: *a\n")
    assert source.data["c"] == {"b": [1]}
    assert source.data["c"]["b"] is not source.data["a"]["b"]
    assert source.origins["c", "b", 0].line == 1
    assert source.origins["c",].line == 2


def test_an_alias_repeats_the_anchor_above_it(read):
    data = read("a: &x [&y 1]\nb: &y 2\nc: *x\nd: *y\n&k e: *k\n").data
    assert data == {"a": [1], "b": 2, "c": [1], "d": 2, "e": "e"}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 0777", 1, "write 777 or 0o777"),
        ("a: -08", 1, "write -8, or quote"),
        ("\na: .inf", 2, "not a finite number"),
        ("a: -.INF", 1, "not a finite number"),
        ("a: .nan", 1, "not a finite number"),
        ("a: 1e999", 1, "too large"),
        ("a: " + "9" * 5000, 1, "5,000 characters"),
        ("a: 1\nb: 2\na: 3", 3, "'a' is given twice, first on line 1"),
        ("a: {b: 1,\n b: 2}", 2, "given twice"),
        ("1: a", 1, "write it in quotes: '1'"),
        ("true: a", 1, "a key is text"),
        ("null: a", 1, "a key is text"),
        ("? [a]\n: b", 1, "cannot be a key"),
        ("a: !!python/object/apply:os.system [ls]", 1, "tag 'tag:yaml.org,2002:python"),
        ("a: !!int 3", 1, "tag"),
        ("a: ! x", 1, "tag"),
        ("b: &b {c: 1}\na:\n  <<: *b", 3, "'<<' is not allowed"),
        ("a: 1\n---\nb: 2", 2, "second document"),
        ("a: &a\n  - *a", 2, "contains itself"),
        ("a: *b", 1, "no &b above"),
        ("a:\n  b: 1\n\tc: 2", 3, "tab"),
        ("\ta: 1", 1, "tab"),
        ("- 1\n- 2", 0, "no keys at its top level"),
        ("text", 0, "no keys at its top level"),
        ("", 0, "empty"),
        ("# only a comment", 0, "empty"),
        ("---\n", 0, "empty"),
        ("a: b: c", 1, "':' where no key can be"),
        ("a: 1\nb 2\nc: 3", 2, "no ':' after its key"),
        ("\na: 'x", 2, "quote is opened"),
        ("\na: [1,\n2", 2, "bracket opened here"),
        ("a: @x", 1, "put it in quotes"),
        ('a: "\\q"', 1, "backslash escape"),
        ("a: - b", 1, "'- '"),
        ("a: 'x' y\nb: 1", 1, "does not fit those above"),
        ("- a\nb: 1", 2, "does not fit"),
        ("a: ]", 1, "not valid YAML"),
        ("a: \x07", 1, "U+0007"),
        ("b: 1\na: \0", 2, "U+0000"),
        ('a: "\\0"', 1, "U+0000"),
        (b"b: 1\na: \xff", 2, "not UTF-8"),
        ("a: 1".encode("utf-16"), 1, "not UTF-8"),
        ("a: " + "[" * 60 + "]" * 60, 1, "more than 50 deep"),
        ("a: " + "[" * 100_000, 1, "more than 50 deep"),
        ("? " * 1000, 1, "more than 50 deep"),
    ],
)
def test_refusals_name_the_line_and_the_remedy(read, text, line, words):
    message = refusal(read, text)
    assert message.startswith(f"a.yaml:{line}: " if line else "a.yaml: ")
    assert words in message


@pytest.mark.parametrize("text", ['a: "\\ud800"', 'a: "\\UFFFFFFFF"', 'a: "\\U00110000"'])
def test_escapes_that_are_no_character_are_refused(read, text):
    refusal(read, text)


def test_alias_bombs_are_refused_quickly(read):
    rows = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]" for i in range(1, 12)]
    begin = time.process_time()  # of this process alone, however busy the machine is
    assert "100,000 values" in refusal(read, "\n".join(rows))
    assert time.process_time() - begin < 5


def test_depth_counts_through_aliases(read):
    rows = ["l0: &l0 [x]"] + [f"l{i}: &l{i} [*l{i - 1}]" for i in range(1, 60)]
    assert "more than 50 deep" in refusal(read, "\n".join(rows))


def test_a_byte_order_mark_is_ignored(read):
    assert read(b"\xef\xbb\xbfa: 1").data == {"a": 1}


def test_large_files_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Path("a.yaml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ConfigError, match=r"^a\.yaml: .*larger than 1 MiB"):
        read_yaml("a.yaml")


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dir.yaml").mkdir()
    Path("dangling.yaml").symlink_to("nowhere")
    Path("loop.yaml").symlink_to("loop.yaml")
    os.mkfifo("fifo.yaml")
    cases = {
        "none.yaml": "does not exist", "dir.yaml": "is a directory", "dangling.yaml": "is a link",
        "loop.yaml": "cannot be read", "fifo.yaml": "not a regular file", "a\0b": "cannot be read",
        "/dev/zero": "not a regular file", "x" * 300: "cannot be read",
    }  # fmt: skip
    for name, words in cases.items():
        with pytest.raises(ConfigError) as caught:
            read_yaml(name)
        assert words in str(caught.value)
        assert str(caught.value).isprintable()


def test_a_file_without_permission(tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.yaml").write_text("a: 1")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ConfigError, match="may not be read; change its permissions"):
        read_yaml(tmp_path / "a.yaml")


def test_an_unreadable_base_is_reported_where_it_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"^here: the file .*none\.yaml does not exist"):
        read_yaml(tmp_path / "none.yaml", named_by=Origin(None, 0, "here"))


def test_origins_show_files_relative_to_the_current_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(Origin(tmp_path / "b" / "a.yaml", 3)) == str(Path("b/a.yaml:3"))
    assert str(Origin(Path("../a.yaml"), 3)) == "../a.yaml:3"
    assert str(Origin(Path("/other/a.yaml"))) == "/other/a.yaml"


@pytest.mark.parametrize(
    ("text", "value"),
    [("4", 4), (" [0, 1] ", [0, 1]), ("250 mV", "250 mV"), ("{a: b}", {"a": "b"})],
)
def test_values_on_one_line(text, value):
    assert parse_value(text, Origin(None, 0, "--set")).data == value


@pytest.mark.parametrize("text", ["", "  ", "# x", "a: b", "- 1", "[1", "0777", "!x 1", "\0", "*a"])
def test_values_that_are_refused(text):
    with pytest.raises(ConfigError, match=r"^--set: "):
        parse_value(text, Origin(None, 0, "--set"))


YAMLISH = st.text(
    st.sampled_from("ab:- \n[]{}&*!|>'\"\\%@#?,<0123.eux~\t\0\r\u0085\ufeff"), max_size=80
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=2000)
@given(st.binary(max_size=200) | YAMLISH.map(str.encode) | st.text().map(lambda t: f"a: {t}".encode(
    errors="surrogatepass")))  # fmt: skip
@example(b"%YAML 1.")
@example(b'a: "\\x"')
def test_any_bytes_give_data_or_one_sentence(tmp_path, data):
    file = tmp_path / "a.yaml"
    file.write_bytes(data)
    try:
        source = read_yaml(file)
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert isinstance(source.data, dict)
        assert source.origins[()].file == file
