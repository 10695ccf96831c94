"""A content-addressed cache of what toolchains made, safe to share between processes.

An entry's name is the hash of everything that went into it, and it appears by renaming a finished
file. Two processes that build the same thing at once both succeed; neither sees half a file. A
cache that cannot be written is read only: what it lacks is built in a temporary folder.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from .errors import BuildError
from .folders import CURE, do_without, is_refused, nowhere, spare_folder, usable_cache

_MAKING = "making-"
_DAY = 24 * 3600.0
_ATTEMPTS = 5  # other processes that saw the damaged file may remove the one made since
_DIGEST = hashlib.sha256().digest_size
_ROOM = 64 << 20  # bytes; with less, a compiler may have failed for want of room
_discarded: set[Path] = set()

Make = Callable[[Path, Path], None]


def cached(key: Iterable[str], files: dict[str, bytes], name: str, make: Make) -> Path:
    """The file `name` made from `key` and `files`, made now if it is not in the cache.

    Args:
        key: everything besides the files that decides the result, such as command and flags.
        files: name to content of the inputs.
        name: of the result.
        make: called as make(folder, target): puts the result at `target`; `folder` is temporary.

    Raises:
        BuildError: neither the cache nor a temporary folder can be written; whatever `make` raises.
    """
    inside = Path(_digest(key, files), name)
    cache = usable_cache()
    if cache is not None:
        try:
            if _is_there(cache / inside):
                return cache / inside
            if not is_refused(cache):
                return _made_if_room(cache / inside, make)
        except OSError as error:
            do_without(cache, error.strerror or error)
    try:
        target = spare_folder() / inside
        return target if _is_there(target) else _made(target, make)
    except OSError as error:
        raise nowhere(error) from None


def cached_bytes(key: Iterable[str], files: dict[str, bytes], name: str, make: Make) -> bytes:
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
        with suppress(OSError):  # it may have gone, or cannot be read
            held = path.read_bytes()
            data, digest = held[:-_DIGEST], held[-_DIGEST:]
            if digest == hashlib.sha256(data).digest():
                return data
        discard(path)
    raise BuildError(
        f"build cache: {name} was damaged as soon as it was made; check the disk, or {CURE}"
    )


def discard(path: Path) -> None:
    """Have a damaged file made anew when it is wanted next."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        _discarded.add(path)


def _is_there(target: Path) -> bool:
    return target not in _discarded and target.exists()


def _made(target: Path, make: Make) -> Path:
    """Make a file and move it to `target`; OSError if it cannot be written there."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_abandoned(target.parent.parent)
    folder = Path(tempfile.mkdtemp(prefix=_MAKING, dir=target.parent))
    try:
        made = folder / target.name
        make(folder, made)
        os.replace(made, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return target


def _made_if_room(target: Path, make: Make) -> Path:
    """As `_made`; OSError too if a compiler may have failed for want of room."""
    try:
        return _made(target, make)
    except BuildError as error:
        full = [code for code in (errno.ENOSPC, errno.EDQUOT) if os.strerror(code) in str(error)]
        if full or shutil.disk_usage(target.parent).free < _ROOM:
            code = full[0] if full else errno.ENOSPC
            raise OSError(code, os.strerror(code)) from error
        raise


def _remove_abandoned(cache: Path) -> None:
    """Remove what builds that were killed more than a day ago left behind."""
    for folder in cache.glob(f"*/{_MAKING}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _DAY:
                shutil.rmtree(folder, ignore_errors=True)


def _digest(key: Iterable[str], files: dict[str, bytes]) -> str:
    found = hashlib.sha256()
    parts = [part.encode() for part in key]
    parts += [part for name in sorted(files) for part in (name.encode(), files[name])]
    for part in parts:
        found.update(len(part).to_bytes(8, "little") + part)
    return found.hexdigest()[:40]
