"""Where kinds are found: those that archsim ships, each a folder, and those of installed packages.

A group of kinds (layers, converters, workloads, ...) is one `Kinds`. A shipped kind is a folder of
the group's package; the module that registers it is imported when the group is first asked for.
Another package offers a kind by an entry point of the group, whose name is the kind's; it is
imported when that kind is asked for, or all are, and checked before it is let in. A shipped kind
cannot be replaced. One that is broken is in nobody's way, and so is one whose folder is gone.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from importlib.metadata import EntryPoint
from inspect import isabstract
from typing import Any, Generic, TypeVar

from archsim.errors import DesignError
from archsim.listing import listed
from archsim.numeric.cache.sources import KERNELS
from archsim.plugins import installed, place_of

T = TypeVar("T")
C = TypeVar("C", bound=type[Any])


class Kinds(Generic[T]):
    """The kinds of one group, by name.

    Parameters
    ----------
    what : str
        What one is called in messages, such as ``layer``.
    group : str
        The group of entry points in which packages offer theirs.
    base : type or str
        What each is a complete subclass of; as ``module:class`` where it is in a higher room.
    shipped : str
        The package whose modules or folders are the shipped kinds.
    part : str
        Which module of a folder registers it; empty where the modules themselves do.
    name_of : callable
        Returns the name that a class gives itself; what is no text is no name.
    article : str
        What `what` is preceded by.
    check : callable, optional
        Returns what else is wrong with a plug-in's class, or nothing.
    has_kernels : bool
        Whether kinds have kernels: machine code then follows from a plug-in's files too.

    Attributes
    ----------
    broken : list of str
        A sentence for each module of a shipped kind that does not load.
    """

    def __init__(  # noqa: PLR0913 - what tells one group from another
        self,
        what: str,
        group: str,
        base: type[T] | str,
        *,
        shipped: str,
        part: str,
        name_of: Callable[[Any], object],
        article: str = "a",
        check: Callable[[Any], str] = lambda _: "",
        has_kernels: bool = False,
    ) -> None:
        self.what, self.group, self._base = what, group, base
        self._shipped, self._part = shipped, part
        self._name_of, self._article, self._check = name_of, article, check
        self._has_kernels = has_kernels
        self._known: dict[str, type[T]] = {}
        self._started = False
        self.broken: list[str] = []

    @property
    def base(self) -> type[T]:
        """What each kind is a complete subclass of."""
        if isinstance(self._base, str):
            module, _, name = self._base.partition(":")
            self._base = getattr(importlib.import_module(module), name)
        assert not isinstance(self._base, str)
        return self._base

    def register(self, cls: C) -> C:
        """Class decorator: make a kind known by the name that it gives itself.

        Raises
        ------
        DesignError
            If it has no name, is not a complete subclass of the base, or another class has that
            name.
        """
        name = self._name_of(cls)
        if not isinstance(name, str) or not name:
            msg = f"the {self.what} {_path(cls)} has no name: give the class one"
            raise DesignError(msg)
        problem = self._not_complete(cls)
        if problem:
            msg = f"the {self.what} {_path(cls)} {problem}"
            raise DesignError(msg)
        known = self._known.get(name)
        if known is not None and _path(known) != _path(cls):
            msg = (
                f"two {self.what}s are called '{name}', {_path(known)} and {_path(cls)}: rename one"
            )
            raise DesignError(msg)
        self._known[name] = cls
        return cls

    def registered(self) -> tuple[str, ...]:
        """Return the names of the kinds that are imported, the shipped ones among them, sorted."""
        self._start()
        return tuple(sorted(self._known))

    def shipped(self) -> dict[str, type[T]]:
        """Return the kinds that archsim brings, by name."""
        inside = f"{self._shipped}."
        return {
            name: self._known[name]
            for name in self.registered()
            if self._known[name].__module__.startswith(inside)
        }

    def names(self) -> tuple[str, ...]:
        """Return the names of all kinds, sorted; those of packages are not imported for it."""
        return tuple(sorted({*self.registered(), *(entry.name for entry in self._offered())}))

    def has(self, name: object) -> bool:
        """Return whether a kind can be had, which imports the one that is asked for."""
        if not isinstance(name, str):
            return False
        return name in self.registered() or (name in self.names() and not self.why_not(name))

    def get(self, name: str, *, also: tuple[str, ...] = ()) -> type[T]:
        """Return a kind; `also` are names that a message lists beside those that are known.

        Raises
        ------
        DesignError
            If there is none, and the message names the nearest known one; or if it comes from a
            plug-in that does not load.
        """
        self._start()
        if name not in self._known:
            offered = [entry for entry in self._offered() if entry.name == name]
            if not offered:
                raise DesignError(self._unknown(name, also))
            self._load(offered)
        return self._known[name]

    def all(self) -> dict[str, type[T]]:
        """Return every kind that loads, by name."""
        self._start()
        for name in self.names():
            if name not in self._known and not self.why_not(name):
                self.get(name)
        return dict(sorted(self._known.items()))

    def why_not(self, name: object) -> str:
        """Return why a kind that somebody offers cannot be had; empty where it can."""
        self._start()
        if name in self._known or name not in {entry.name for entry in self._offered()}:
            return ""
        try:
            self.get(str(name))
        except DesignError as error:
            return str(error)
        return ""

    def _start(self) -> None:
        """Import the shipped kinds, once; one that does not load leaves the others alone."""
        if self._started:
            return
        self._started = True
        for module in _modules(self._shipped, self._part):
            try:
                importlib.import_module(module)
            except Exception as error:  # whatever a broken file raises
                self.broken.append(f"{module} does not load: {_said(error)}")

    def _offered(self) -> list[EntryPoint]:
        """Return the entries of the group; the same one found twice on the path counts once."""
        return list({(entry.name, entry.value): entry for entry in self._entries()}.values())

    def _entries(self) -> tuple[EntryPoint, ...]:
        return installed(self.group)

    def _unknown(self, name: str, also: tuple[str, ...]) -> str:
        known = sorted({*self.names(), *also})
        near = get_close_matches(name, known, n=1)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        broken = "".join(f"; {each}" for each in self.broken)
        return f"unknown {self.what} '{name}'{hint}; known are {listed(known)}{broken}"

    def _load(self, offered: list[EntryPoint]) -> None:
        """Import a plug-in and register its class.

        Raises
        ------
        DesignError
            If two packages offer the name, or what is offered cannot be imported or is not a
            complete subclass of the base with that name.
        """
        entry = offered[0]
        if len(offered) > 1:
            values = " and ".join(each.value for each in offered)
            msg = (
                f"two plug-ins offer {self._article} {self.what} '{entry.name}', {values}: "
                "remove one"
            )
            raise DesignError(msg)
        before = dict(self._known)
        try:
            if self._has_kernels:
                _cover(entry)
            cls = entry.load()
        except (Exception, SystemExit) as error:
            self._known = before
            msg = f"{self._plugin(entry)} does not load: {_said(error)}"
            raise DesignError(msg) from error
        problem = self._problem(cls, entry.name)
        if problem:
            self._known = before
            msg = f"{self._plugin(entry)} {problem}"
            raise DesignError(msg)
        self.register(cls)

    def _problem(self, cls: Any, name: str) -> str:
        """Return what is wrong with what a plug-in offers under a name; empty where nothing is."""
        problem = self._not_complete(cls)
        if problem:
            return problem
        mine = self._name_of(cls)
        if mine != name:
            return f"calls itself {mine!r}: give class and entry the same name"
        return self._check(cls)

    def _not_complete(self, cls: Any) -> str:
        if not (isinstance(cls, type) and issubclass(cls, self.base)):
            return f"is not a subclass of {self.base.__module__.removesuffix('.base')}." + (
                self.base.__name__
            )
        if isabstract(cls):
            lacking = sorted(getattr(cls, "__abstractmethods__", ()))
            return f"lacks {listed(lacking)}"
        return ""

    def _plugin(self, entry: EntryPoint) -> str:
        package = f" of package {entry.dist.name}" if entry.dist is not None else ""
        return f"the {self.what} plug-in '{entry.name}' ({entry.value}){package}"


def _modules(package: str, part: str) -> Iterator[str]:
    """Yield the modules that register a package's shipped kinds."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not part:
            yield f"{package}.{module.name}"
        elif module.ispkg:
            folder = importlib.import_module(f"{package}.{module.name}").__path__
            if part in {inner.name for inner in pkgutil.iter_modules(folder)}:
                yield f"{package}.{module.name}.{part}"


def _cover(entry: EntryPoint) -> None:
    """Let machine code follow from the files of a plug-in's top-level package, too."""
    found = importlib.util.find_spec(entry.module.partition(".")[0])
    if found is not None and found.origin is not None:
        KERNELS.cover(place_of(found))


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def why_not_made(cls: Callable[[], object]) -> str:
    """Return why a class cannot be made without arguments; empty where it can."""
    try:
        cls()
    except Exception as error:  # a plug-in's own
        return f"cannot be made without arguments: {_said(error)}"
    return ""


def _said(error: BaseException) -> str:
    """Return what an error says, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
