"""Other libraries' source text, where GATEWRIGHT_PEERS names a folder that holds their clones.

Each clone is a folder whose name ends in the repository's: `difflogic`, `convlogic`.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

OURS = "gatewright.frontend.compat"


def clone(name: str) -> Path:
    """The folder of a peer's repository; skips the test if there is none."""
    base = os.environ.get("GATEWRIGHT_PEERS")
    if not base:
        pytest.skip(f"GATEWRIGHT_PEERS does not name a folder with a clone of {name}")
    found = sorted(path for path in Path(base).iterdir() if path.name.endswith(name))
    if not found:
        pytest.skip(f"no clone of {name} in {base}")
    return found[0]


@contextmanager
def packages(folder: Path, *names: str) -> Iterator[None]:
    """Make packages in `folder` importable without running their `__init__` or CUDA modules."""
    before = dict(sys.modules)
    for name in names:
        package = types.ModuleType(name)
        package.__path__ = [str(folder / name)]
        sys.modules[name] = package
        sys.modules[f"{name}_cuda"] = types.ModuleType(f"{name}_cuda")
    try:
        yield
    finally:
        for name in set(sys.modules) - set(before):
            if name.split(".")[0] in {*names, *(f"{each}_cuda" for each in names)}:
                del sys.modules[name]


def imported(folder: Path, module: str) -> Any:
    """A module of a package in `folder`."""
    with packages(folder, "difflogic", "convlogic"):
        return importlib.import_module(module)


def readme_code(name: str, marker: str) -> str:
    """The first Python block of a README that holds `marker`."""
    text = (clone(name) / "README.md").read_text()
    return next(code for code in re.findall(r"```python\n(.*?)```", text, re.S) if marker in code)


def notebook_code(path: Path, marker: str) -> str:
    """The first code cell of a notebook that holds `marker`."""
    cells = json.loads(path.read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return next(source for source in sources if marker in source)


def run_on_ours(source: str, keep: type[ast.stmt] = ast.stmt, only: str = "") -> dict[str, Any]:
    """Run source text after its imports of difflogic and convlogic were made ours.

    Args:
        source: Python text. keep: the kind of statement, besides imports, that is run.
        only: run only statements whose text holds this.
    """
    tree = ast.parse(source)
    body = []
    for statement in tree.body:
        text = ast.unparse(statement)
        if isinstance(statement, ast.ImportFrom) and statement.module in ("difflogic", "convlogic"):
            statement.module = OURS
            body.append(statement)
        elif isinstance(statement, ast.Import) and "torch" in text and "lightning" not in text:
            body.append(statement)
        elif isinstance(statement, keep) and only in text and not _is_import(statement):
            body.append(statement)
    names: dict[str, Any] = {}
    exec(compile(ast.Module(body, []), "peer", "exec"), names)
    return names


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)
