"""A backend by its target's name, with the options that a user named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..runtime.arguments import check_flag, plain
from ..runtime.errors import EmitError

INTERNAL = {"internal": True}  # metadata of a field that no user sets


def backend_of(
    targets: Mapping[str, type],
    target: str,
    options: Mapping[str, Any],
    profiles: Mapping[str, Mapping[str, type]] | None = None,
) -> Any:
    """The backend of a target, or of the profile of it that the options name.

    Args:
        targets: backends by name, dataclasses.
        target: one of them.
        options: fields of the backend, and `profile`, if the target has some.
        profiles: by target, backends that stand in for the target's.

    Raises:
        EmitError: an unknown target, profile or option.
    """
    if not isinstance(target, str) or target not in targets:
        raise EmitError(f"target {target!r}; allowed are {', '.join(targets)}")
    kind, what = targets[target], f"target {target!r}"
    wanted = {key: plain(value) for key, value in options.items()}
    if profiles is not None and (profile := wanted.pop("profile", None)) is not None:
        known = profiles.get(target, {})
        if profile not in known:
            allowed = ", ".join(known) or "none"
            raise EmitError(f"profile {profile!r}; allowed for {what} are {allowed}")
        kind, what = known[profile], f"profile {profile!r}"
    flags = {field.name for field in fields(kind) if field.type in (bool, "bool")}
    names = [field.name for field in fields(kind) if not field.metadata.get("internal")]
    if unknown := sorted(set(wanted) - set(names)):
        raise EmitError(
            f"option {', '.join(unknown)}; allowed for {what} are {', '.join(names) or 'none'}"
        )
    for name in flags & set(wanted):
        check_flag(name, wanted[name], EmitError)
    for name, value in wanted.items():
        if isinstance(value, list):  # as good as a tuple, and names can be looked up in tables
            wanted[name] = tuple(value)
    return kind(**wanted)
