"""Typed errors: every failure that a user can cause or mend has one of these types.

Library code raises them and never prints; the command line turns them into one sentence and an
exit code.
"""

from __future__ import annotations

DEBUG_VARIABLE = "ARCHSIM_DEBUG"
"""Environment variable with which errors that nobody raised on purpose show their traceback."""


class ArchsimError(Exception):
    """Base of every error that archsim raises on purpose.

    Attributes
    ----------
    exit_code : int
        What the command line exits with: 1 unless a subclass says otherwise.

    Examples
    --------
    >>> try:
    ...     archsim.load("kws", set={"adc.bits": 23})
    ... except archsim.ArchsimError as error:
    ...     print(error)
    set adc.bits=23: adc.bits: 23 is above the maximum 10
    """

    exit_code = 1


class InputError(ArchsimError):
    """The user's input is wrong: a file, a field, an option.

    The message is one sentence that names the file, the line or field, and what to do.
    """

    exit_code = 2


class ConfigError(InputError):
    """A configuration file, or an override of it, is wrong."""


class DesignError(ConfigError):
    """A configuration is well formed, but the chip that it describes cannot be built.

    The message names the key; whoever knows the configuration's file puts it in front.
    """


class TraceError(InputError):
    """A trace file is missing, cut, or of another schema."""


class OutputError(InputError):
    """An output cannot be written, or would overwrite what is not an older one of its kind."""


class WorkloadError(InputError):
    """A workload's or a network's data file is missing, cut or does not fit the network."""


class NetworkError(WorkloadError):
    """A file of somebody's network cannot be read, or holds what is not simulated."""
