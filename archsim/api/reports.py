"""What is said of anything that archsim finds: as a report, as plain data, as a picture."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError

if TYPE_CHECKING:
    from archsim.report.table import Report

_SHOWN = {
    "Summary": ("run:run_report", None, None),
    "Run": ("run:report_of_run", "run:run_to_json", None),
    "Comparison": (
        "comparison:comparison_report",
        "comparison:comparison_to_json",
        "comparison:draw_comparison",
    ),
    "Timeline": ("timeline:timeline_report", None, "timeline_picture:draw_timeline"),
    "Conversion": (None, None, "conversion_picture:draw_conversion"),
    "Ramp": ("converter:ramp_report", "converter:ramp_to_json", None),
    "ExperimentResult": ("experiment:experiment_report", None, "experiment:draw_result"),
    "SweepResult": ("experiment:sweep_report", None, None),
    "ImportReport": ("imported:import_report", None, None),
    "Reference": ("keys:report_of_reference", "keys:reference_to_json", None),
    "Calibration": ("calibration:calibration_report", None, None),
    "ComponentLibrary": ("components:components_report", "components:components_to_json", None),
    "Catalogue": ("catalogue:catalogue_report", None, None),
    "tuple": ("doctor:doctor_report", "doctor:doctor_to_json", None),
    "Bench": ("speed:bench_report", None, None),
    "Against": ("against:against_report", None, None),
    "list": ("growth:growth_report", "growth:growth_to_json", "growth:draw_growth"),
}
"""By the class of what was found: what makes its report, its plain data and its picture, in
`archsim.report`; plain data is by default what the object's own `to_json` returns."""


def report_of(found: Any, /) -> Report:
    """Return what is said of something that archsim found: tables and lines.

    Parameters
    ----------
    found : Run, Summary, Comparison, Timeline, Ramp, ExperimentResult, ...
        What a function of archsim returned.

    Returns
    -------
    Report
        It prints as text, and a notebook shows it.

    Raises
    ------
    ArchsimError
        If nothing is said of such a thing.

    Examples
    --------
    >>> archsim.report_of(archsim.design_ramp("tanh", 4)).tables[0].title
    'tanh, 4 bits'
    """
    made: Report = _maker(found, 0, "report")(found)
    return made


def to_json(found: Any, /) -> dict[str, Any]:
    """Return what archsim found as plain data in SI, as ``--json`` prints it.

    Parameters
    ----------
    found
        As of `report_of`.

    Raises
    ------
    ArchsimError
        If there is no such form.

    Examples
    --------
    >>> archsim.to_json(archsim.design_ramp("tanh", 4))["bits"]
    4
    """
    own = getattr(found, "to_json", None)
    data: dict[str, Any] = own() if own else _maker(found, 1, "plain data")(found)
    return data


def draw(found: Any, path: str | Path, /) -> None:
    """Draw something that archsim found, as PNG, PDF or SVG by the file's name.

    Parameters
    ----------
    found : Comparison, Timeline, Conversion, ExperimentResult, ...
        What a function of archsim returned.
    path : str or Path
        The picture to write.

    Raises
    ------
    InputError
        If the name does not end like a picture's, or matplotlib is not installed.
    ArchsimError
        If there is no picture of such a thing.

    Examples
    --------
    >>> archsim.draw(archsim.timeline(archsim.load("kws", set={"streams": 2})), "timeline.png")
    """
    from archsim.report.experiment import save_figure

    make = _maker(found, 2, "picture")
    save_figure(lambda figure: make(figure, found), Path(path))


def check_picture(path: str | Path | None) -> None:
    """Refuse a picture that could not be drawn, before the work that it shows; None is fine.

    Raises
    ------
    InputError
        If so.
    """
    from archsim.report.experiment import check_picture as check

    check(None if path is None else Path(path))


def _maker(found: Any, which: int, what: str) -> Any:
    """Return what makes a form of something."""
    place = _SHOWN.get(type(found).__name__, (None, None, None))[which]
    if place is None:
        msg = f"there is no {what} of a {type(found).__name__}: see docs/python.md for what has one"
        raise ArchsimError(msg)
    module, _, name = place.partition(":")
    return getattr(import_module(f"archsim.report.{module}"), name)
