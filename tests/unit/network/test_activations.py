"""Are the functions what they are called, do inverses undo them, and are bad ones refused?"""

import math
from importlib.metadata import EntryPoint

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from archsim.config.activations import TableActivation
from archsim.errors import DesignError, InputError
from archsim.network.activations import (
    Activation,
    Clipped,
    PiecewiseLinear,
    activation_names,
    get_activation,
    register,
    registry,
)
from archsim.network.activations.table import own_activations

LAMBDA, ALPHA = 1.0507009873554804935, 1.6732632423543772848


def phi(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


# What each function is, written without NumPy and without a care for overflow.
DEFINITIONS = {
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": lambda x: (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x)),
    "softsign": lambda x: x / (1 + abs(x)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "selu": lambda x: LAMBDA * (x if x > 0 else ALPHA * (math.exp(x) - 1)),
    "relu": lambda x: max(x, 0.0),
    "identity": lambda x: x,
    "silu": lambda x: x / (1 + math.exp(-x)),
    "gelu": lambda x: x * phi(x),
}
MONOTONIC = sorted(set(DEFINITIONS) - {"silu", "gelu"})
TURNING = ["gelu", "silu"]

# Where y still tells two x apart: g(x) is flat in float64 beyond.
INVERTIBLE = {
    "sigmoid": (-30.0, 15.0),
    "tanh": (-8.0, 8.0),
    "softsign": (-1e6, 1e6),
    "softplus": (-700.0, 700.0),
    "elu": (-15.0, 1e6),
    "selu": (-15.0, 1e6),
    "relu": (1e-300, 1e6),
    "identity": (-1e6, 1e6),
}


def test_all_required_functions_are_there():
    assert set(DEFINITIONS) <= set(activation_names())


@pytest.mark.parametrize("name", DEFINITIONS)
def test_values_are_those_of_the_definition(name):
    x = np.linspace(-20, 20, 401)
    expected = [DEFINITIONS[name](float(each)) for each in x]
    np.testing.assert_allclose(get_activation(name).value(x), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_values_keep_their_shape_and_do_not_overflow(name):
    x = np.array([[-1e300, -1e4, -745.2], [0.0, 745.2, 1e4]])
    y = get_activation(name).value(x)
    assert y.shape == x.shape
    assert np.isfinite(y).all()


@pytest.mark.parametrize("name", ["silu", "softplus"])
def test_tails_keep_their_digits(name):
    """Where the function is tiny it is right in relation to itself: 10 bits and more need that."""
    x = np.array([-30.0, -100.0, -700.0])
    expected = np.exp(x) * (x if name == "silu" else 1.0)
    np.testing.assert_allclose(get_activation(name).value(x), expected, rtol=1e-12)


@pytest.mark.parametrize("name", MONOTONIC)
@given(part=st.floats(0, 1))
def test_the_inverse_undoes_the_function(name, part):
    function = get_activation(name)
    low, high = INVERTIBLE[name]
    x = low + part * (high - low)
    y = function.value(np.array([x]))
    # An error of half an ulp in y is one of ulp / slope in x.
    near = function.value(np.array([x - 1e-6 * (1 + abs(x)), x + 1e-6 * (1 + abs(x))]))
    slope = (near[1] - near[0]) / (2e-6 * (1 + abs(x)))
    ulp = np.finfo(float).eps * max(abs(float(y[0])), 1e-300)
    one = np.finfo(float).eps if name in {"sigmoid", "elu", "selu"} else 0.0  # 1 + exp(x)
    allowed = 8 * (ulp + one) / max(slope, 1e-300) + 1e-14 * abs(x)
    assert abs(float(function.inverse(y)[0]) - x) <= allowed


@pytest.mark.parametrize("name", TURNING)
@given(part=st.floats(0, 1))
def test_both_inverses_undo_a_function_that_turns(name, part):
    function = get_activation(name)
    left, right = function.branches()
    assert left.high == right.low
    assert (left.rising, right.rising) == (False, True)
    for branch, end in ((left, -30.0), (right, 1e4)):
        x = branch.high + part * (end - branch.high) if end < 0 else branch.low + part * end
        back = float(branch.inverse(function.value(np.array([x])))[0])
        # Around the turning point y tells x apart only to the square root of the precision.
        assert back == pytest.approx(x, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("name", TURNING)
def test_turning_points_are_where_the_function_is_least(name):
    function = get_activation(name)
    turning = function.branches()[0].high
    around = turning + np.linspace(-1e-3, 1e-3, 2001)
    assert abs(around[function.value(around).argmin()] - turning) < 1e-5
    h = 1e-5
    assert abs(np.diff(function.value(np.array([turning - h, turning + h])))[0]) < 1e-14


def test_the_inverse_on_the_falling_branch_reaches_into_the_tail():
    left = get_activation("silu").branches()[0]
    y = np.array([-1e-300, -1e-100, -1e-3, -0.2784])
    x = left.inverse(y)
    np.testing.assert_allclose(get_activation("silu").value(x), y, rtol=1e-12)
    assert (x < left.high).all()


def test_output_range_of_unbounded_functions_follows_the_input_range():
    assert get_activation("elu").output_range((-2.0, 3.0)) == pytest.approx((math.expm1(-2), 3.0))
    assert get_activation("relu").output_range((-2.0, 3.0)) == (0.0, 3.0)
    assert get_activation("silu").output_range((-8.0, 3.0))[0] == pytest.approx(-0.27846454276107)
    assert get_activation("silu").output_range((0.0, 3.0))[0] == 0.0
    assert get_activation("sigmoid").output_range((-2.0, 3.0)) == (0.0, 1.0)


@pytest.mark.parametrize("input_range", [None, (3.0, 3.0), (3.0, -3.0), (-math.inf, 0.0)])
def test_unbounded_functions_need_a_range_that_rises(input_range):
    with pytest.raises(DesignError, match="input range"):
        get_activation("selu").output_range(input_range)


def test_a_function_that_is_flat_on_its_range_is_refused():
    with pytest.raises(DesignError, match="'relu' has one value everywhere on \\[-8, -1\\]"):
        get_activation("relu").output_range((-8.0, -1.0))


def test_a_clipped_function_has_the_values_at_its_ends():
    clipped = Clipped(get_activation("softsign"), (-8.0, 4.0))
    assert clipped.name == "softsign"
    assert clipped.output_range(None) == pytest.approx((-8 / 9, 4 / 5))
    np.testing.assert_array_equal(clipped.value(np.array([-100.0, 100.0])), [-8 / 9, 4 / 5])


# The registry and plug-ins


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(DesignError, match="'sigmod' \\(did you mean 'sigmoid'\\?\\); known are"):
        get_activation("sigmod")


def test_own_functions_are_found_first():
    mine = PiecewiseLinear("mine", [(0.0, 0.0), (1.0, 1.0)])
    assert get_activation("mine", own=[mine]) is mine
    with pytest.raises(DesignError, match="did you mean 'mine'"):
        get_activation("mime", own=[mine])


class Cubic(Activation):
    """What a user writes."""

    name = "cubic"

    def value(self, x):
        return np.asarray(x) ** 3

    def inverse(self, y):
        return np.cbrt(y)


class Unfinished(Activation):
    """What a user has not finished."""

    name = "unfinished"

    def value(self, x):
        return x


class Nameless(Cubic):
    """What a user has copied and not finished either."""

    name = None


class NeedsMore(Cubic):
    """What only its author can make."""

    name = "mine"

    def __init__(self, power):
        self.power = power


@pytest.fixture
def plugins(monkeypatch):
    """Let the environment offer entry points, and forget what they register."""
    monkeypatch.setattr(registry.ACTIVATIONS, "_known", dict(registry.ACTIVATIONS._known))

    def offer(**entries):
        found = [
            EntryPoint(name, value, registry.ACTIVATIONS.group) for name, value in entries.items()
        ]
        monkeypatch.setattr(registry.ACTIVATIONS, "_entries", lambda: tuple(found))

    return offer


def test_the_decorator_registers_and_refuses_a_name_twice(plugins):
    assert register(Cubic) is Cubic
    assert register(Cubic) is Cubic  # a module that is loaded again
    assert isinstance(get_activation("cubic"), Cubic)
    other = type("Other", (Cubic,), {"name": "cubic"})
    with pytest.raises(DesignError, match="two activation functions are called 'cubic'"):
        register(other)
    with pytest.raises(DesignError, match=r"Nameless has no name"):
        register(Nameless)


def test_a_plug_in_is_loaded_when_it_is_asked_for(plugins):
    plugins(cubic=f"{__name__}:Cubic", broken="no_such_module:Thing")
    assert {"cubic", "broken", "tanh"} <= set(activation_names())
    assert "cubic" not in registry.registered_names()
    assert get_activation("cubic").inverse(np.array([8.0])) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no_such_module:Thing", "does not load: ModuleNotFoundError: No module named"),
        ("math:no_such_function", "does not load: AttributeError"),
        ("math:sqrt", "is not a subclass of archsim.network.activations.Activation"),
        (f"{__name__}:Unfinished", "lacks inverse"),
        (f"{__name__}:Cubic", "calls itself 'cubic'"),
        (f"{__name__}:NeedsMore", "cannot be made without arguments: TypeError"),
    ],
)
def test_a_broken_plug_in_is_one_clear_sentence(plugins, value, message):
    plugins(mine=value)
    with pytest.raises(InputError) as caught:
        get_activation("mine")
    text = str(caught.value)
    assert text.startswith(f"the activation function plug-in 'mine' ({value})")
    assert message in text
    assert "\n" not in text
    assert get_activation("tanh").name == "tanh"


def test_two_plug_ins_of_one_name_are_refused(monkeypatch):
    found = [
        EntryPoint("mine", value, registry.ACTIVATIONS.group) for value in ("a:A", "b:B", "a:A")
    ]
    monkeypatch.setattr(registry.ACTIVATIONS, "_entries", lambda: tuple(found))
    with pytest.raises(DesignError, match=r"two plug-ins offer .* 'mine', a:A and b:B"):
        get_activation("mine")


# Tables


def test_a_table_is_straight_lines_and_constant_outside():
    table = PiecewiseLinear("t", [(-1.0, 0.0), (1.0, 1.0), (2.0, 3.0)])
    x = np.array([-5.0, -1.0, 0.0, 1.5, 2.0, 9.0])
    np.testing.assert_allclose(table.value(x), [0, 0, 0.5, 2, 3, 3])
    np.testing.assert_allclose(table.inverse(np.array([0.5, 1.0, 2.0])), [0, 1, 1.5])
    assert table.bounds == (0.0, 3.0)


def test_a_table_may_fall_and_be_flat_in_places():
    table = PiecewiseLinear("t", [(0.0, 4.0), (1.0, 2.0), (3.0, 2.0), (4.0, 0.0)])
    assert not table.branches()[0].rising
    np.testing.assert_allclose(table.inverse(np.array([3.0, 2.0, 1.0])), [0.5, 1.0, 3.5])
    assert table.bounds == (0.0, 4.0)


@given(
    st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=20),
    st.lists(st.floats(1e-3, 1e3), min_size=20, max_size=20),
    st.floats(0, 1),
)
def test_the_inverse_of_a_table_undoes_it(dx, dy, part):
    points = list(zip(np.cumsum(dx).tolist(), np.cumsum(dy[: len(dx)]).tolist(), strict=True))
    table = PiecewiseLinear("t", points)
    y = table.bounds[0] + part * (table.bounds[1] - table.bounds[0])
    back = table.value(table.inverse(np.array([y])))
    assert float(back[0]) == pytest.approx(y, rel=1e-9, abs=1e-9)


BAD_TABLES = [
    ([[0, 0]], "at least 2"),
    ([[0, 0], [1, 1], [1, 2]], "has x = 1 twice, at point 3, [1, 2] again"),
    ([[0, 0], [2, 1], [1, 2]], "is not sorted by x: point 3, [1, 2] is left of"),
    ([[0, 0], [1, 2], [2, 1], [3, 3]], "it falls at point 3, [2, 1], against"),
    ([[0, 3], [1, 1], [2, 2], [3, 0]], "it rises at point 3, [2, 2], against"),
    ([[0, 0], [1, 2], [2, 0]], "leaves that value at point 2, [1, 2]"),
    ([[0, 1], [1, 1]], "has the same value 1 all over"),
]


@pytest.mark.parametrize(("points", "message"), BAD_TABLES, ids=[each[1] for each in BAD_TABLES])
def test_bad_tables_are_refused_with_the_point(points, message):
    with pytest.raises(ValidationError) as caught:
        TableActivation.model_validate({"name": "mine", "points": points})
    assert message in str(caught.value)
    with pytest.raises(DesignError) as raised:
        PiecewiseLinear("mine", [tuple(point) for point in points])
    assert message in str(raised.value)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_points_that_are_not_finite_are_refused(bad):
    points = [(0.0, 0.0), (1.0, bad)]
    with pytest.raises(DesignError, match="is not finite at point 2"):
        PiecewiseLinear("mine", points)
    with pytest.raises(ValidationError, match="finite"):
        TableActivation.model_validate({"name": "mine", "points": points})


def test_a_configured_table_becomes_a_function():
    section = TableActivation.model_validate({"name": "mine", "points": [[0, 0], [2, 1]]})
    (function,) = own_activations([section])
    assert function.value(np.array([1.0])) == pytest.approx(0.5)


@pytest.mark.parametrize("name", ["tanh", "2nd", ""])
def test_a_configured_table_needs_a_name_of_its_own(name):
    with pytest.raises(ValidationError, match="name"):
        TableActivation.model_validate({"name": name, "points": [[0, 0], [2, 1]]})
