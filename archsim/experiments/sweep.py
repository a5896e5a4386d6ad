"""A configuration at every combination of some values: the numbers of each run."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from archsim.config.load import Config, config_of, digest_of_file, load_config
from archsim.config.merge import override
from archsim.config.origin import Origin
from archsim.config.yaml_source import parse_value
from archsim.errors import ConfigError, InputError
from archsim.experiments.jobs import Executor, Job, Progress, Store
from archsim.listing import listed
from archsim.report.result import Column, ExperimentResult
from archsim.si import with_prefix
from archsim.simulation.simulate import RunResult

SEED = "seed"

_MAX_LABEL = 80


@dataclass(frozen=True)
class Point:
    """One run of a sweep.

    Attributes
    ----------
    values : dict of str to Any
        What was set, by its key.
    numbers : dict of str to Any
        The numbers of its summary, None where there is none; empty where it failed.
    reason : str
        Why it failed, empty where it did not.
    wrong_input : bool
        Whether it failed for a fault of what was set, such as a network that does not fit the chip.
    kept : bool
        Whether it was in the store and not run again.
    """

    values: dict[str, Any]
    numbers: dict[str, Any]
    reason: str = ""
    wrong_input: bool = False
    kept: bool = False

    @property
    def name(self) -> str:
        """What was set, as text."""
        return _name(self.values)


@dataclass(frozen=True)
class SweepResult:
    """What a sweep found.

    Attributes
    ----------
    name : str
        The configuration's name.
    keys : tuple of str
        What was set, the slowest first.
    points : tuple of Point
        The runs, in the order of the product.
    """

    name: str
    keys: tuple[str, ...]
    points: tuple[Point, ...]

    @property
    def failed(self) -> tuple[Point, ...]:
        """The points that failed."""
        return tuple(point for point in self.points if point.reason)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row a point: what was set, the numbers, and why it failed."""
        names = next((list(point.numbers) for point in self.points if point.numbers), [])
        none = dict.fromkeys(names)
        return [
            {**point.values, **none, **point.numbers, **point.values, "reason": point.reason}
            for point in self.points
        ]

    @property
    def frame(self) -> Any:
        """The rows as a pandas.DataFrame, or a dict of str to list without pandas."""
        rows = self.rows
        columns = {key: [row[key] for row in rows] for key in rows[0]}
        if importlib.util.find_spec("pandas") is None:
            return columns
        import pandas as pd

        return pd.DataFrame(columns)

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``archsim sweep --json`` prints."""
        return {
            "name": self.name,
            "over": list(self.keys),
            "rows": self.rows,
            "failed": len(self.failed),
        }

    def table(self) -> ExperimentResult:
        """Return a table of what was set and the main numbers; what failed is told below it."""
        failed: dict[str, list[str]] = {}
        for point in self.failed:
            failed.setdefault(point.reason, []).append(point.name)
        return ExperimentResult(
            title=f"{self.name} over {', '.join(self.keys)}",
            columns=(
                *(Column(key, key) for key in self.keys),
                Column("accuracy", "accuracy", ".2%"),
                Column("latency", "latency", ">"),
                Column("energy", "energy", ">"),
                Column("area_mm2", "area (mm^2)", ".4g"),
                Column("tops", "TOPS", ".4g"),
                Column("tops_per_w", "TOPS/W", ".4g"),
                Column("tops_per_mm2", "TOPS/mm^2", ".4g"),
            ),
            rows=[{**point.values, **_shown(point)} for point in self.points],
            notes=tuple(f"failed: {listed(names)}: {why}" for why, names in failed.items()),
        )


def _name(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in values.items())


_SHOWN = ("accuracy", "tops", "tops_per_w", "tops_per_mm2")


def _shown(point: Point) -> dict[str, Any]:
    """Return the cells of a point beside what was set, None where it has no such number."""
    found = point.numbers
    if not found:
        return dict.fromkeys((*_SHOWN, "latency", "energy", "area_mm2"))
    return {
        **{key: found[key] for key in _SHOWN},
        "latency": with_prefix(found["latency_s"], "s"),
        "energy": with_prefix(found["energy_j"], "J"),
        "area_mm2": found["area_m2"] * 1e6,
    }


def sweep(
    config: str | Path | Mapping[str, Any] | Config,
    /,
    over: Mapping[str, Sequence[Any]],
    *,
    seeds: int | Sequence[int] | None = None,
    workers: int = 1,
    store: Store | str | Path | None = None,
    progress: Progress | None = None,
) -> SweepResult:
    """Run a configuration at every combination of some values.

    Parameters
    ----------
    config : str, Path, mapping or Config
        As of `archsim.load`.
    over : mapping of str to sequence
        The values of each key, such as ``{"adc.bits": [3, 4], "tile.v_read": ["100 mV"]}``.
    seeds : int or sequence of int, optional
        How many chips of each, seeds 0, 1, ...; or their seeds; that of the configuration by
        default.
    workers : int, optional
        Processes; results are the same with any number.
    store : Store or Path, optional
        Where results are kept and found again.
    progress : callable, optional
        Called with the number of runs done and the number in all.

    Returns
    -------
    SweepResult
        A point for each combination; one that fails has its reason and stops no other.

    Raises
    ------
    InputError
        If there is nothing to sweep over, or the configuration itself is wrong.

    Examples
    --------
    >>> archsim.sweep("kws", {"adc.bits": [3, 4, 5]}, workers=2).frame
    """
    loaded = config if isinstance(config, Config) else load_config(config)
    axes = _axes(over, seeds)
    kept = store if isinstance(store, Store) or store is None else Store(Path(store))
    executor = Executor(workers, kept)
    points = tuple(_points(loaded, axes, executor, progress or _silent))
    return SweepResult(loaded.config.name, tuple(axes), points)


def _silent(done: int, of: int) -> None:
    del done, of


def _axes(
    over: Mapping[str, Sequence[Any]], seeds: int | Sequence[int] | None
) -> dict[str, Sequence[Any]]:
    """Return the values by their keys, seeds among them.

    Raises
    ------
    InputError
        If a key has no list of values, or there is none.
    """
    axes = dict(over)
    if seeds is not None:
        if SEED in axes:
            msg = f"over: '{SEED}' is given, and so are seeds: leave one of them out"
            raise InputError(msg)
        axes[SEED] = range(seeds) if isinstance(seeds, int) else seeds
    for key, values in axes.items():
        if isinstance(values, str) or not isinstance(values, Sequence) or not values:
            msg = f"over: {key}: give a list of one value or more, such as [3, 4, 5]"
            raise InputError(msg)
    if not axes:
        msg = "over: there is nothing to sweep over: give values of a key, or seeds"
        raise InputError(msg)
    return axes


def _points(
    config: Config, axes: Mapping[str, Sequence[Any]], executor: Executor, progress: Progress
) -> Iterator[Point]:
    """Yield the points, in the order of the product."""
    digest = cache(digest_of_file)
    made: list[tuple[dict[str, Any], Job | Point]] = []
    for chosen in product(*axes.values()):
        values = dict(zip(axes, chosen, strict=True))
        document = config.document.copied()
        try:
            override(document, {"trace.level": "off", **values})
            changed = config_of(document, digest=digest)
            made.append((values, Job(changed, numbers_of, _name(values))))
        except ConfigError as error:
            made.append((values, Point(values, {}, str(error), wrong_input=True)))
    jobs = [job for _, job in made if isinstance(job, Job)]
    outcomes = iter(executor.map(jobs, progress))
    for values, each in made:
        if isinstance(each, Point):
            yield each
        else:
            came = next(outcomes)
            yield Point(values, came.data or {}, came.reason, came.wrong_input, came.kept)


def numbers_of(result: RunResult, path: Path) -> dict[str, float | int | None]:
    """Read the single numbers of a run's summary; None where there is none."""
    del path
    return {
        key: value if math.isfinite(value) else None
        for key, value in result.summary.numbers().items()
    }


def values_from_text(texts: Iterable[str]) -> dict[str, list[Any]]:
    """Return the values of keys from texts such as ``adc.bits=3,4,5``.

    Each value is YAML on one line, as after ``--set``; one with a comma of its own stands in
    quotes or brackets.

    Raises
    ------
    ConfigError
        If a text cannot be read, or a key is given twice.
    """
    found: dict[str, list[Any]] = {}
    for text in texts:
        label = " ".join(f"--over {text}".split())
        origin = Origin(None, 0, label if len(label) <= _MAX_LABEL else f"{label[:_MAX_LABEL]}...")
        name, equals, values = text.partition("=")
        key = ".".join(part.strip() for part in name.split("."))
        if not equals or not all(key.split(".")) or not values.strip():
            raise origin.error("write --over key.sub=value,value, such as --over adc.bits=3,4,5")
        if key in found:
            raise origin.error(f"'{key}' is given twice: give all its values in one --over")
        found[key] = list(parse_value(f"[{values}]", origin).data)
    return found
