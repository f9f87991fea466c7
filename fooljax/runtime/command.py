"""From flags to a frozen settings dataclass, and from any error to one clear message."""

import errno
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

from fooljax import interrupts
from fooljax.runtime import brief, hosts, output, settings, threads
from fooljax.spelling import meant

Config = TypeVar("Config")
_ALL = "--help-all"


def parse(
    presets: Mapping[str, Config],
    *,
    args: Sequence[str] | None = None,
    prog: str,
    description: str | None,
) -> Config:
    """Read settings from flags, on top of a preset or of the run being resumed.

    Args:
        presets: settings by name; ``--preset NAME`` chooses where flags start
            from, ``default`` unless given. Settings, or some nested in them, have the
            fields ``preset`` and ``resume``.
        args: the command line, ``sys.argv[1:]`` unless given.
        prog: shown in the usage line.
        description: shown by ``--help``, with a line for each flag, and by ``--help-all``,
            which explains them; lines that begin with a word and a colon start a paragraph.
            None under ``python -OO``, which has no docstrings.

    Returns:
        The settings.

    Raises:
        ValueError: for an unknown preset, if ``--resume`` names no run, or if the
            locale cannot spell an argument.
        SystemExit: on ``--help``, ``--help-all`` and unreadable flags.
    """
    import tyro

    args = list(sys.argv[1:] if args is None else args)
    name = _value(args, "--preset")
    if (name or "default") not in presets:
        hint = meant(str(name), presets)
        raise ValueError(f"--preset: unknown {name!r}; {hint}There are {', '.join(presets)}")
    start = settings.change(presets[name or "default"], preset=name or "default")
    resume = _value(args, "--resume")
    told = re.sub(r"\n(?=\w+:)", "\n\n", description or "")
    if {"-h", "--help"} & set(args):
        print(brief.describe(start, prog, told))
        raise SystemExit(0)
    if _ALL in args:
        args = ["--help"]
    elif resume is not None:
        start = settings.load(Path(resume).expanduser(), type(start))
    output.refuse_locale(args)
    with output.wide_enough():
        return tyro.cli(
            type(start),
            default=start,
            args=args,
            prog=prog,
            description=told,
            config=(tyro.conf.OmitArgPrefixes,),
        )


def launch(
    main: Callable[[Config], object],
    presets: Mapping[str, Config],
    *,
    prog: str,
    description: str | None,
) -> None:
    """Read settings from flags and run an experiment: the whole of a command line.

    Args:
        main: called with the settings.
        presets: settings by name, see ``parse``.
        prog: shown in the usage line.
        description: shown by ``--help``.
    """

    def parse_and_run() -> None:
        config = parse(presets, prog=prog, description=description)
        threads.check()
        main(config)

    run(parse_and_run, debug="--debug" in sys.argv)


def run(main: Callable[[], None], *, debug: bool) -> None:
    """Call ``main``; turn an error into one message on stderr and an exit code.

    Exit codes: 1 for an error, 2 for unreadable flags, 130 and 143 after Ctrl-C
    and SIGTERM. With ``debug`` errors keep their traceback.
    """
    with warnings.catch_warnings(), interrupts.noted():
        warnings.showwarning = _show_warning
        try:
            try:
                main()
            finally:
                output.flush()
        except (KeyboardInterrupt, Exception) as error:
            stop = interrupts.cause(error)
            if stop is not None:
                _stop(stop)
            if debug:
                traceback.print_exc()
            else:
                print(f"error: {explain(error)}", file=sys.stderr)
            hosts.leave(1)


def _stop(stop: KeyboardInterrupt) -> NoReturn:
    """Leave after a signal."""
    said = str(stop)
    if said in ("", "stopped"):  # so soon that no run directory was open
        said = "stopped before anything was computed; start again with the same command"
    print(f"\n{said}", file=sys.stderr)
    hosts.leave(getattr(stop, "exit_code", 130), at_once=interrupts.listening())


def explain(error: BaseException) -> str:
    """Say in one message what went wrong and what to do."""
    full = _full_disk(error)
    if full is not None:
        text = f"no space left on the device ({full}); free some"
        if not getattr(error, "__notes__", ()):
            text += "\nnothing was computed; then start again with the same command"
    elif isinstance(error, ValueError | OSError):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}\n(run again with --debug for the traceback)"
    notes = getattr(error, "__notes__", ())  # JAX adds one for readers of its traceback
    return "\n".join([text, *(one for one in notes if "JAX_TRACEBACK_FILTERING" not in one)])


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _full_disk(error: BaseException | None) -> str | None:
    """Return where the disk is full, if that is the cause of an error."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return str(error.filename or "while writing")
        if "No space left on device" in str(error):
            path = re.search(r"/[^\s:'\"\]]+", str(error))
            return path.group() if path else "while writing"
        error = error.__cause__ or error.__context__
    return None


def _value(args: Sequence[str], flag: str) -> str | None:
    """Return the last value given for a flag, as ``--flag value`` or ``--flag=value``."""
    found = None
    for position, arg in enumerate(args):
        if arg == flag and position + 1 < len(args):
            found = args[position + 1]
        elif arg.startswith(f"{flag}="):
            found = arg.removeprefix(f"{flag}=")
    return found
