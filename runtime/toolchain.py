"""Finding a C compiler and building shared libraries with it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from .cache import cached, cached_bytes
from .errors import BuildError, ToolMissing
from .folders import temporary_in
from .processes import in_threads, run_process
from .seal import sealed

_CANDIDATES = ("cc", "gcc", "clang")
_SHOWN_LINES = 20
_SHOWN_COLUMNS = 200
_COMMON = ("-O3", "-std=c99", "-fvisibility=hidden")
SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")


@dataclass(frozen=True)
class Toolchain:
    """A C compiler: the command that starts it, and the first line that it says of itself.

    linking: flags that make a library. suffix: of libraries. environment: variables to set.
    identity: what tells it from others of this version, such as the machine that it compiles for.
    """

    command: tuple[str, ...]
    version: str
    linking: tuple[str, ...] = ("-fPIC", "-shared")
    suffix: str = SUFFIX
    environment: dict[str, str] = field(default_factory=dict)
    identity: str = ""

    def build(
        self,
        files: dict[str, bytes],
        name: str,
        flags: tuple[str, ...] = (),
        shared: dict[str, bytes] | None = None,
    ) -> Path:
        """Compile the `.c` files among `files` into a shared library; return its path in the cache.

        Args:
            files: name to content; headers are found beside the sources.
            name: of the library, without suffix.
            flags: added to `-O3 -std=c99 -fvisibility=hidden` and those that link.
            shared: more sources, each complete in itself, whose objects are kept in the cache, so
                that the next library that needs one finds it.

        Raises:
            BuildError: the compiler failed (its first lines are in the message), or neither the
                cache nor a temporary folder can be written.
        """
        options = (*_COMMON, *self.linking, *flags)
        key = self._key(*options)
        sources = [file for file in files if file.endswith(".c")]

        def make(folder: Path, target: Path) -> None:
            for file, data in files.items():
                (folder / file).write_bytes(data)
            inputs = self._objects(sources, shared, options, folder) if shared else sources
            self._run([*self.command, *options, "-o", str(target), *inputs], folder, target)
            target.write_bytes(sealed(target.read_bytes()))

        return cached(key, {**files, **(shared or {})}, f"{name}{self.suffix}", make)

    def _objects(
        self,
        sources: list[str],
        shared: dict[str, bytes],
        options: tuple[str, ...],
        folder: Path,
    ) -> list[str]:
        """Compile the sources, as many at a time as there are processors; the objects' names."""
        flags = tuple(option for option in options if option != "-shared")

        def compiled(source: str) -> str:
            made = f"{source}.o"
            if source in shared:
                (folder / made).write_bytes(self._shared(source, shared[source], flags))
            else:
                self._run([*self.command, *flags, "-c", "-o", made, source], folder, folder / made)
            return made

        return in_threads(compiled, [*shared, *sources], os.cpu_count() or 1)

    def _shared(self, source: str, text: bytes, flags: tuple[str, ...]) -> bytes:
        """What the compiler makes of one source, kept in the cache."""

        def make(folder: Path, target: Path) -> None:
            (folder / source).write_bytes(text)
            self._run([*self.command, *flags, "-c", "-o", str(target), source], folder, target)

        return cached_bytes(self._key(*flags, "-c"), {source: text}, f"{source}.o", make)

    def compile_object(self, files: dict[str, bytes], name: str, flags: tuple[str, ...]) -> bytes:
        """Compile `name.c` among `files` without linking; return the object.

        Raises:
            BuildError: as for `build`.
        """

        def make(folder: Path, target: Path) -> None:
            for file, data in files.items():
                (folder / file).write_bytes(data)
            command = [*self.command, *flags, "-c", "-o", str(target), f"{name}.c"]
            self._run(command, folder, target)

        return cached_bytes(self._key(*flags, "-c"), files, f"{name}.o", make)

    def _key(self, *flags: str) -> tuple[str, ...]:
        """What decides about results, besides the sources."""
        return (*self.command, self.version, self.identity, *flags)

    def _run(self, command: list[str], folder: Path, made: Path) -> None:
        """Have the compiler make a file; BuildError if it fails, or makes none."""
        try:
            environment = temporary_in(folder) | self.environment
            status, said = run_process(command, folder, env=environment)
        except OSError as error:
            raise ToolMissing(f"cannot start {command[0]}: {error.strerror}; {_CURE}") from None
        if status:
            lines = said.splitlines()
            shown = "\n".join(line[:_SHOWN_COLUMNS] for line in lines[:_SHOWN_LINES])
            raise BuildError(
                f"{shlex.join(self.command)} failed with status {status} "
                f"({len(lines)} lines, the first {min(len(lines), _SHOWN_LINES)}):\n{shown}"
            )
        if not made.exists():
            raise BuildError(
                f"{shlex.join(self.command)} ended well and made no {made.name}; {_CURE}"
            )


_CURE = (
    "install gcc or clang (for example: apt-get install gcc), name one in the environment "
    'variable CC, or use target="numpy", which needs no compiler'
)


def find_compiler() -> Toolchain:
    """The compiler in the environment variable CC, else `cc`, `gcc` or `clang`.

    Raises:
        ToolMissing: there is none, or CC names one that does not start.
    """
    named = os.environ.get("CC")
    if named:
        return _identify(_words(named), "the environment variable CC names it")
    for candidate in _CANDIDATES:
        if shutil.which(candidate):
            return _identify((candidate,), "it is on the PATH")
    raise ToolMissing(f"no C compiler: looked for {', '.join(_CANDIDATES)} on the PATH; {_CURE}")


def named_compiler(command: str) -> Toolchain:
    """The compiler that a command starts, with its arguments, such as one for another machine.

    Raises:
        ToolMissing: it does not start.
    """
    return _identify(_words(command), "it was asked for")


def _words(command: str) -> tuple[str, ...]:
    """The words of a command as a shell splits them; ToolMissing if it could not."""
    try:
        return tuple(shlex.split(command))
    except ValueError as error:
        raise ToolMissing(
            f"C compiler {command!r}: {error}; allowed is a command as in a shell; {_CURE}"
        ) from None


@lru_cache(maxsize=16)
def _identify(command: tuple[str, ...], why: str) -> Toolchain:
    try:
        found = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, errors="replace", check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolMissing(
            f"C compiler {shlex.join(command)!r} does not start ({why}): {error}; {_CURE}"
        ) from None
    # A cache may be shared by machines whose compilers are of one version and differ otherwise.
    identity = found.stdout + _target(command)
    return Toolchain(command, (found.stdout.splitlines() or ["unknown"])[0], identity=identity)


def _target(command: tuple[str, ...]) -> str:
    """The machine that a compiler compiles for; nothing if it does not say."""
    asked = [*command, "-dumpmachine"]
    found = subprocess.run(asked, capture_output=True, text=True, errors="replace", check=False)
    return "" if found.returncode else found.stdout
