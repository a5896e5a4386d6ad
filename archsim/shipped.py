"""Where the files are that come with archsim: configurations, devices, component libraries.

In a checkout they stand in ``configs/`` beside the package, in an installed package within it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_FOLDERS = (_PACKAGE / "configs", _PACKAGE.parent / "configs")


def shipped(name: str) -> Path:
    """Return the path of a file that comes with archsim.

    Parameters
    ----------
    name : str
        Path within ``configs/``, such as ``components/cmos-16nm.yaml``.

    Returns
    -------
    Path
        Absolute. Where the files were left out of an installation, it does not exist, and reading
        it says so.
    """
    found = (folder / name for folder in _FOLDERS if (folder / name).is_file())
    return next(found, _FOLDERS[-1] / name)
