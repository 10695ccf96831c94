"""Constant arrays and strings as C text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Beyond this many bytes, an array is written as a string: compilers read a megabyte of string in
# a tenth of a second, a megabyte of numbers in a second and a half.
_BIG = 1 << 16
_ESCAPES = np.array([b"\\%03o" % byte for byte in range(256)], "S4")
_LINE = 4096
_TYPES = {"uint8": "uint8_t", "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t"}


def is_big(array: NDArray[Any]) -> bool:
    return array.nbytes > _BIG


def c_type(array: NDArray[Any]) -> str:
    """What C calls the type of the elements."""
    return _TYPES.get(array.dtype.name, "float")


def c_array(name: str, array: NDArray[Any]) -> str:
    """A definition of the flattened `array` as static constant data called `name`."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if is_big(flat):
        return _as_string(name, flat)
    kind = c_type(flat)
    numbers = [_number(value) for value in flat] or ["0"]
    lines = ["  " + ", ".join(numbers[i : i + 12]) for i in range(0, len(numbers), 12)]
    body = ",\n".join(lines)
    return f"static const {kind} {name}[{len(numbers)}] = {{\n{body}}};\n"


def shared_tables(definitions: list[str]) -> tuple[str, str]:
    """Definitions of `c_array` for one of several objects, and declarations for the others."""
    declarations: list[str] = []
    for text in definitions:
        head, _, rest = text.removeprefix("static ").partition(" = {\n")
        declarations.append(f"extern SHARED {head};{rest[rest.rindex('};') + 2 :]}")
    shared = "".join(text.replace("static const", "SHARED const", 1) for text in definitions)
    return shared, "".join(declarations)


def _number(value: Any) -> str:
    if value.dtype.kind == "f":
        return c_float(float(value))
    return f"UINT64_C(0x{int(value):x})" if value.dtype.itemsize == 8 else str(int(value))


def c_float(value: float) -> str:
    """An exact float literal."""
    value = float(np.float32(value))
    if np.isinf(value):
        return "(1e300 * 1e300)" if value > 0 else "(-1e300 * 1e300)"
    return f"{value.hex()}f"


def _as_string(name: str, flat: NDArray[Any]) -> str:
    kind = c_type(flat)
    data = flat.astype(flat.dtype.newbyteorder("<")).view(np.uint8)
    lines = [
        b'"' + _ESCAPES[data[i : i + _LINE]].tobytes() + b'"' for i in range(0, len(data), _LINE)
    ]
    text = b"\n".join(lines).decode()
    return (
        f"static const union {{\n  char bytes[{len(data)}];\n  {kind} numbers[{len(flat)}];\n}} "
        f"{name}_data = {{\n{text}}};\n#define {name} ({name}_data.numbers)\n"
    )


def c_string(text: str) -> str:
    """A string literal in lines of moderate length, pure ASCII."""
    data = text.encode()
    lines = [data[i : i + 80] for i in range(0, len(data), 80)] or [b""]
    return "\n".join(f'    "{"".join(map(_character, line))}"' for line in lines)


def _character(byte: int) -> str:
    if byte in b'"\\?' or not 32 <= byte < 127:
        return f"\\{byte:03o}"
    return chr(byte)
