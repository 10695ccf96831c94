"""A content-addressed cache of what toolchains made, safe to share between processes.

An entry's name is the hash of everything that went into it, and it appears by renaming a finished
file. Two processes that build the same thing at once both succeed; neither sees half a file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from .errors import BuildError

_MAKING = "making-"
_DAY = 24 * 3600.0
_ATTEMPTS = 5  # other processes that saw the damaged file may remove the one made since
_DIGEST = hashlib.sha256().digest_size


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
    except RuntimeError as error:
        raise BuildError(
            f"build cache: {error}; name a folder in the environment variable GATEWRIGHT_CACHE"
        ) from None


def cached(
    key: Iterable[str],
    files: dict[str, bytes],
    name: str,
    make: Callable[[Path, Path], None],
) -> Path:
    """The file `name` made from `key` and `files`, made now if it is not in the cache.

    Args:
        key: everything besides the files that decides the result, such as command and flags.
        files: name to content of the inputs.
        name: of the result.
        make: called as make(folder, target): puts the result at `target`; `folder` is temporary.

    Raises:
        BuildError: the cache cannot be read or written; whatever `make` raises.
    """
    target = cache_folder() / _digest(key, files) / name
    try:
        if target.exists():
            return target
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_abandoned(target.parent.parent)
        folder = Path(tempfile.mkdtemp(prefix=_MAKING, dir=target.parent))
    except OSError as error:
        raise _failure(target, error) from None
    try:
        made = folder / name
        make(folder, made)
        os.replace(made, target)
    except OSError as error:
        raise _failure(target, error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return target


def cached_bytes(
    key: Iterable[str],
    files: dict[str, bytes],
    name: str,
    make: Callable[[Path, Path], None],
) -> bytes:
    """The content of what `cached` finds; it is made again if it was damaged or has gone.

    Raises:
        BuildError: as for `cached`.
    """
    key = (*key, "checked")

    def make_checked(folder: Path, target: Path) -> None:
        make(folder, target)
        data = target.read_bytes()
        target.write_bytes(data + hashlib.sha256(data).digest())

    for _ in range(_ATTEMPTS):
        path = cached(key, files, name, make_checked)
        try:
            held = path.read_bytes()
            data, digest = held[:-_DIGEST], held[-_DIGEST:]
            if digest == hashlib.sha256(data).digest():
                return data
            path.unlink(missing_ok=True)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _failure(path, error) from None
    raise BuildError(
        f"build cache {cache_folder()}: {name} was damaged as soon as it was made; check the disk, "
        "or name another folder in the environment variable GATEWRIGHT_CACHE"
    )


def _remove_abandoned(cache: Path) -> None:
    """Remove what builds that were killed more than a day ago left behind."""
    for folder in cache.glob(f"*/{_MAKING}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _DAY:
                shutil.rmtree(folder, ignore_errors=True)


def _failure(target: Path, error: OSError) -> BuildError:
    return BuildError(
        f"build cache {target.parent}: {error.strerror or error}; nothing was lost; free room "
        "there, or name another folder in the environment variable GATEWRIGHT_CACHE"
    )


def _digest(key: Iterable[str], files: dict[str, bytes]) -> str:
    found = hashlib.sha256()
    parts = [part.encode() for part in key]
    parts += [part for name in sorted(files) for part in (name.encode(), files[name])]
    for part in parts:
        found.update(len(part).to_bytes(8, "little") + part)
    return found.hexdigest()[:40]


def store_bytes(data: bytes, name: str) -> Path:
    """The path of a cached file with this content."""

    def make(_: Path, target: Path) -> None:
        target.write_bytes(data)

    return cached(("bytes",), {"data": data}, name, make)
