"""Text of others, made fit to be shown: in a message, a table or a picture."""

from __future__ import annotations


def shown(text: str) -> str:
    """Return a text with escapes in place of what a terminal would act on or cannot show.

    Line ends stay; other control characters, and bytes that were no UTF-8, come out as escapes.
    """
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def shown_in_line(text: str) -> str:
    """Return a text as `shown` does, with escapes in place of line ends too."""
    return shown(text).replace("\n", r"\n")
