"""How a command ends: its exit code, and one sentence in place of a traceback.

Exit codes: 0 done, 2 the input is wrong, 130 interrupted, 1 anything else.
"""

from __future__ import annotations

import atexit
import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import typer

from archsim.errors import DEBUG_VARIABLE, ArchsimError
from archsim.shown import shown

# Parts of typer's messages, and what they mean to somebody who types a command.
_PLAIN_WORDS = {
    ", unable to parse string as an integer": "",
    ", unable to parse string as a number": "",
    "Input should be a valid integer": "expected a whole number",
    "Input should be a valid number": "expected a number",
    "Input should be greater than or equal to": "expected at least",
    "Input should be less than or equal to": "expected at most",
}

# The interrupts of this command so far: code of other packages may swallow or wrap the exception.
_interrupts: list[int] = []


class ExitCode(IntEnum):
    """What the command line exits with."""

    DONE = 0
    FAILED = 1
    WRONG_INPUT = 2
    INTERRUPTED = 130


def run_and_exit(command: Callable[[], int | None]) -> NoReturn:
    """Run a command, say in one sentence what went wrong, and exit."""
    _escape_what_cannot_be_shown()
    with _interruptible():
        try:
            code = _run(command)
        except KeyboardInterrupt:  # once more, while the end of the command was being told
            code = ExitCode.INTERRUPTED
    writer = sys.modules.get("archsim.trace.writer")
    if writer is not None and writer.exit_is_unsafe():
        with suppress(OSError, ValueError, AttributeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # the result is out already
    sys.exit(code)


def tell(text: str) -> None:
    """Write to stderr, if it takes anything; control characters come out as escapes."""
    with suppress(OSError):
        typer.echo(shown(text), err=True)


def check_interrupt() -> None:
    """Raise KeyboardInterrupt if an interrupt came that other code has swallowed."""
    if _interrupts:
        raise KeyboardInterrupt


def _run(command: Callable[[], int | None]) -> int:
    try:
        code = command() or ExitCode.DONE
        if code == ExitCode.INTERRUPTED:  # newer versions of typer make this of Ctrl-C
            raise KeyboardInterrupt
        if sys.stdout:
            sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except ArchsimError as error:
        return _say(str(error), ExitCode(error.exit_code))
    except MemoryError as error:
        return _say(f"not enough memory: {error}; record or run fewer sequences", ExitCode.FAILED)
    except Exception as error:
        if _interrupts:
            return _interrupted()
        handlers = (_output_lost, _folder_gone, _wrong_usage, _fault_of_a_plugin)
        return next(filter(None, (handler(error) for handler in handlers)), None) or _bug(error)
    return code


@contextmanager
def _interruptible() -> Iterator[None]:
    """Note every Ctrl-C while a command runs, and let none of them print a traceback."""
    _interrupts.clear()
    before, hook = signal.getsignal(signal.SIGINT), sys.unraisablehook
    ours = (
        before is signal.default_int_handler
        and threading.current_thread() is threading.main_thread()
    )
    if ours:
        signal.signal(signal.SIGINT, _on_interrupt)
        sys.unraisablehook = lambda args: (
            None if isinstance(args.exc_value, KeyboardInterrupt) else hook(args)
        )
    try:
        yield
    finally:
        if ours:
            sys.unraisablehook = hook
            signal.signal(signal.SIGINT, before)


def _on_interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    _interrupts.append(number)
    raise KeyboardInterrupt


def _interrupted() -> ExitCode:
    # An interrupt that passed through exec() leaves a mark that makes CPython kill itself with
    # SIGINT at exit; evaluating anything takes the mark away, so that the exit code is ours.
    eval("0")
    return _say("interrupted; what was written before is kept", ExitCode.INTERRUPTED)


def _output_lost(error: Exception) -> ExitCode | None:
    """Handle a standard output that takes no more; Python must not complain about it at exit."""
    if not isinstance(error, OSError) or error.filename is not None:
        return None
    if error.errno not in {errno.EPIPE, errno.ENOSPC, errno.EFBIG, errno.EIO}:
        return None
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno != errno.EPIPE:  # whoever reads a pipe may have had enough
        _say(f"standard output cannot be written ({error.strerror})", ExitCode.FAILED)
    return ExitCode.FAILED


def _folder_gone(error: Exception) -> ExitCode | None:
    """Handle a working folder that was removed, so that no relative path means anything."""
    if not isinstance(error, FileNotFoundError) or not working_folder_is_gone():
        return None
    sentence = (
        "the working folder does not exist any more; change to another one (cd) and try again"
    )
    return _say(sentence, ExitCode.WRONG_INPUT)


def working_folder_is_gone() -> bool:
    """Return whether the folder that relative paths start at was removed."""
    try:
        return not Path.cwd().exists()
    except FileNotFoundError:
        return True


def _escape_what_cannot_be_shown() -> None:
    """Have characters that the output's encoding lacks, and names that are no UTF-8, escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _wrong_usage(error: Exception) -> ExitCode | None:
    """Say what was wrong with the command line."""
    format_message: Callable[[], str] | None = getattr(error, "format_message", None)
    if format_message is None:
        return None
    text = format_message().rstrip(".")
    for jargon, words in _PLAIN_WORDS.items():
        text = text.replace(jargon, words)
    context: Any = getattr(error, "ctx", None)
    command = context.command_path if context else "archsim"
    return _say(f"{text}; see '{command} --help'", ExitCode.WRONG_INPUT)


def _bug(error: Exception) -> ExitCode:
    """Say that archsim itself is at fault."""
    if os.environ.get(DEBUG_VARIABLE):
        raise error
    text = f"internal error: {type(error).__name__}: {' '.join(str(error).split())}"
    hint = f"this is a bug; set {DEBUG_VARIABLE}=1 for the traceback and report it"
    return _say(f"{text} ({hint})", ExitCode.FAILED)


def _fault_of_a_plugin(error: Exception) -> ExitCode | None:
    """Handle what a package that adds kinds to archsim raised, or made archsim raise."""
    if os.environ.get(DEBUG_VARIABLE):
        return None
    from archsim.plugins import plugin_packages

    packages = plugin_packages()
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        for folder, name in packages.items():
            if Path(frame.filename).is_relative_to(folder):
                said = f"{type(error).__name__}: {' '.join(str(error).split())}"
                where = f"{frame.filename}:{frame.lineno}: the plug-in package {name} failed"
                hint = f"tell its authors; {DEBUG_VARIABLE}=1 shows the traceback"
                return _say(f"{where}: {said} ({hint})", ExitCode.FAILED)
    return None


def _say(text: str, code: ExitCode) -> ExitCode:
    tell(f"archsim: {text}")
    return code
