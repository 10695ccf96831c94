"""Fixtures and options that many tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pass_checks import assert_proved
from store_files import written

from gatewright.compiler import optimize as levels
from gatewright.compiler.netlist import Netlist

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite tests/golden instead of comparing"
    )


@pytest.fixture(scope="session", autouse=True)
def every_optimized_netlist_is_proved() -> Iterator[None]:
    """Whatever a test optimises must be proved equal, or agree on a million patterns."""
    plain = levels._optimized

    def proved(netlist: Netlist, *arguments: Any) -> Netlist:
        result = plain(netlist, *arguments)
        assert_proved(netlist, result)
        return result

    levels._optimized = proved
    yield
    levels._optimized = plain


@pytest.fixture
def saved_circuit(tmp_path: Path) -> Path:
    """A circuit file to damage; see `store_files`."""
    return written(tmp_path / "circuit.npz")


@pytest.fixture
def mapper() -> None:
    """What maps circuits is native code too; built beforehand, only circuits lack a compiler."""
    from gatewright.compiler import native

    native.library("lutmap")


@pytest.fixture
def build_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty build cache."""
    path = tmp_path / "cache of builds"
    monkeypatch.setenv("GATEWRIGHT_CACHE", str(path))
    return path


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No C compiler is to be found, and what was built before is looked for anew."""
    from gatewright.compiler import native

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    native.library.cache_clear()
    native.warn_once.cache_clear()
    yield
    native.library.cache_clear()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: text must equal tests/golden/name."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert path.exists(), f"{path} is missing; run pytest --update-golden"
        assert text == path.read_text(encoding="utf-8"), "if meant, run pytest --update-golden"

    return compare
