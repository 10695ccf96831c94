"""Templates to text, strictly: a name that is missing from the values is an error of ours."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def render(template_name: str, **values: Any) -> str:
    """The text of `backends/templates/<template_name>` with these values."""
    return _environment().get_template(template_name).render(**values)
