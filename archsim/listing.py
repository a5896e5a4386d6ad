"""Names in messages: as many as a reader takes in, and how many there are beside them."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_CHARACTERS = 200
_LONGEST_NAME = 70


def listed(names: Iterable[object]) -> str:
    """Return names with commas between them, cut where they would fill more than a line or two.

    Short lists, such as the keys of a section, stay whole; of 2,000 tensors the first few are named
    and the others counted.

    Parameters
    ----------
    names : iterable
        Shown as ``str`` shows them; a name that is longer than a line is cut as well.
    """
    texts = [shortened(str(name)) for name in names]
    shown: list[str] = []
    for text in texts:
        if shown and sum(len(each) + 2 for each in shown) + len(text) > _MOST_CHARACTERS:
            break
        shown.append(text)
    left = len(texts) - len(shown)
    return ", ".join(shown) + (f" and {left:,} more" if left else "")


def shortened(name: str) -> str:
    """Return a name, cut to what fits a message."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 3]}..."
