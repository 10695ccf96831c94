"""What a shared library is for, by its first bytes, to say why it cannot be loaded here."""

from __future__ import annotations

import sys
from functools import lru_cache

_FORMATS = {
    b"\x7fELF": "Linux",
    b"MZ": "Windows",
    b"\xcf\xfa\xed\xfe": "macOS",
    b"\xca\xfe\xba\xbe": "macOS",
    b"\0asm": "WebAssembly",
}
_ELF_MACHINES = {
    3: "x86",
    20: "PowerPC",
    21: "64-bit PowerPC",
    22: "s390x",
    40: "Arm",
    62: "x86-64",
    183: "AArch64",
    243: "RISC-V",
}


def built_for(data: bytes) -> str:
    """The system, with the processor where a header says it simply; "" if it is no library."""
    system = next((name for mark, name in _FORMATS.items() if data.startswith(mark)), "")
    if system != "Linux" or len(data) < 20:
        return system
    number = int.from_bytes(data[18:20], "little" if data[5] == 1 else "big")
    return f"Linux on {_ELF_MACHINES.get(number, f'ELF machine {number}')}"


def elsewhere(data: bytes) -> str:
    """What a library is for, if that is not this machine."""
    there, here = built_for(data), _here()
    return f"it is for {there}, this is {here}" if there and here and there != here else ""


@lru_cache(maxsize=1)
def _here() -> str:
    try:
        with open("/proc/self/exe" if sys.platform == "linux" else sys.executable, "rb") as file:
            return built_for(file.read(20))
    except OSError:
        return ""
