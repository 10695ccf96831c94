"""Where the files of a data set are looked for, and how they are read."""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from ...runtime.errors import BuildError, FileError
from ...runtime.folders import cache_folder

GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Shelf:
    """The folders in which the files of one data set may lie.

    name: of the data set, for messages. folders: in the order of looking.
    """

    name: str
    folders: tuple[Path, ...]

    def find(self, *names: str) -> Path | None:
        """The first file or folder that has one of these names, if there is one."""
        for folder in self.folders:
            for name in names:
                if (folder / name).exists():
                    return folder / name
        return None

    def need(self, *names: str) -> Path:
        """As `find`; FileError if there is none."""
        found = self.find(*names)
        if found is None:
            raise FileError(
                f"{self.name}: no {' or '.join(names)} in {', '.join(map(str, self.folders))}; "
                "data sets are not downloaded automatically: put the files there, or name their "
                "folder with folder= or in the environment variable GATEWRIGHT_DATA"
            )
        return found


def shelf(name: str, folder: str | os.PathLike[str] | None, below: tuple[str, ...] = ()) -> Shelf:
    """Where to look for a data set: in the folders `below` the base, then in the base itself.

    The base comes last because data sets may have files of the same names.

    The base is `folder`, else `$GATEWRIGHT_DATA`, else `data` in the build cache,
    see `cache_folder`.

    Raises:
        FileError: none is named and there is no home folder.
    """
    named = os.environ.get("GATEWRIGHT_DATA") if folder is None else folder
    try:
        base = Path(named).absolute() if named else cache_folder() / "data"
    except BuildError:
        raise FileError(
            f"{name}: no home folder to look in; name the folder of its files with folder= "
            "or in the environment variable GATEWRIGHT_DATA"
        ) from None
    return Shelf(name, (*(base / part for part in below), base))


def read_at_most(path: Path, most: int) -> bytes:
    """The content of a file, unpacked if it is gzipped, without unpacking more than `most` bytes.

    Raises:
        FileError: it cannot be read, is damaged, or unpacks to more.
    """
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == GZIP
            file.seek(0)
            if packed:
                with gzip.open(file) as unpacked:
                    data = unpacked.read(most + 1)
            else:
                data = file.read(most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(f"{path}: cannot read, or damaged: {error}; download it again") from None
    if len(data) > most:
        raise FileError(f"{path}: over {most} bytes; this data set's files hold less")
    return data
