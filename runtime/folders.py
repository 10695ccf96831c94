"""Where files that only we read are written: the build cache, and temporary folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from .errors import BuildError

CURE = "name a folder that can be written in the environment variable GATEWRIGHT_CACHE"
_PREFIX = "gatewright-"
_refused: dict[Path | None, object] = {}


def cache_folder() -> Path:
    """`$GATEWRIGHT_CACHE`, else `$XDG_CACHE_HOME/gatewright`, else `~/.cache/gatewright`; absolute.

    Raises:
        BuildError: neither is set and there is no home folder.
    """
    if named := os.environ.get("GATEWRIGHT_CACHE"):
        return Path(named).absolute()
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base).absolute() / "gatewright"
    try:
        return Path.home() / ".cache" / "gatewright"
    except RuntimeError:
        raise BuildError(f"build cache: no home folder; {CURE}") from None


def usable_cache() -> Path | None:
    """The cache folder; None, with a warning, if there is no home folder to have one in."""
    try:
        return cache_folder()
    except BuildError:
        do_without(None, "no home folder")
        return None


def spare_folder() -> Path:
    """A temporary folder of this process, which is removed when it ends.

    Raises:
        OSError: there is no place for one.
    """
    folder = _spare(os.getpid())
    if not folder.is_dir():  # somebody cleaned up
        _spare.cache_clear()
        folder = _spare(os.getpid())
    return folder


def do_without(cache: Path | None, why: object) -> None:
    """Write nothing more into a cache that cannot take it, and warn of that, once."""
    this = object()
    if _refused.setdefault(cache, this) is this:
        where = "build cache" if cache is None else f"build cache {cache}"
        warnings.warn(
            f"{where}: {why}; what is built is lost when this process ends; {CURE}", stacklevel=4
        )


def is_refused(cache: Path) -> bool:
    """Whether we do without this cache."""
    return cache in _refused


def tool_folder(name: str) -> Path:
    """A folder for a tool's own cache: in ours, or in the spare folder where that has no room.

    Raises:
        BuildError: neither can be written.
    """
    cache = usable_cache()
    if cache is not None and not is_refused(cache):
        try:
            check_writable(cache / name)
            return cache / name
        except OSError as error:
            do_without(cache, error.strerror or error)
    try:
        return spare_folder() / name
    except OSError as error:
        raise nowhere(error) from None


def check_writable(folder: Path) -> None:
    """Raise OSError unless a file can be made in this folder, which is made if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b"\0")


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is gone afterwards; in the cache where the system's own cannot be written.

    Raises:
        BuildError: neither can be written.
    """
    try:
        held = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        try:
            cache_folder().mkdir(parents=True, exist_ok=True)
            held = tempfile.TemporaryDirectory(prefix=_PREFIX, dir=cache_folder())
        except OSError:
            raise nowhere(error) from None
    with held as name:
        yield Path(name)


def temporary_in(folder: Path) -> dict[str, str]:
    """The environment in which a program puts its temporary files into this folder."""
    return {**os.environ, **dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(folder))}


def nowhere(error: OSError) -> BuildError:
    """What to raise if there is no place for a temporary folder either."""
    return BuildError(
        f"temporary folder: {error.strerror or error}; nothing was lost; free room there, or name "
        f"another in the environment variable TMPDIR; or {CURE}"
    )


@lru_cache(maxsize=1)
def _spare(process: int) -> Path:
    from multiprocessing.util import Finalize

    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    # At the end of this process, a child of multiprocessing too, and not of its forks.
    Finalize(None, shutil.rmtree, (folder, True), exitpriority=0)
    return folder
