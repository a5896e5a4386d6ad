"""Names in messages: as many as a reader takes in, and how many there are beside them."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_CHARACTERS = 110
_LONGEST_NAME = 70


def listed(names: Iterable[object], *, characters: int = _MOST_CHARACTERS) -> str:
    """Return names with commas between them: the first few, and how many there are beside them.

    Short lists stay whole; of 2,000 tensors a handful is named and the others counted.

    Parameters
    ----------
    names : iterable
        Shown as ``str`` shows them; a name that is longer than a line is cut as well.
    characters : int
        Where the list is cut; a vocabulary that the program knows may have more than data.
    """
    texts = [shortened(str(name)) for name in names]
    shown: list[str] = []
    for text in texts:
        if shown and sum(len(each) + 2 for each in shown) + len(text) > characters:
            break
        shown.append(text)
    left = len(texts) - len(shown)
    return ", ".join(shown) + (f" and {left:,} more" if left else "")


def shortened(name: str) -> str:
    """Return a name, cut to what fits a message."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 3]}..."
