"""Features of x86 processors, as bits that CPUID answers."""

from __future__ import annotations

from collections.abc import Iterable

# Register and bit by the name that GCC and Clang give the feature; leaf 1 (ECX) or 7 (EBX, ECX).
_BITS = {
    "fma": ("ecx1", 12),
    "popcnt": ("ecx1", 23),
    "avx": ("ecx1", 28),
    "f16c": ("ecx1", 29),
    "bmi": ("ebx7", 3),
    "avx2": ("ebx7", 5),
    "bmi2": ("ebx7", 8),
    "avx512f": ("ebx7", 16),
    "avx512dq": ("ebx7", 17),
    "avx512bw": ("ebx7", 30),
    "avx512vl": ("ebx7", 31),
    "avx512vbmi": ("ecx7", 1),
    "avx512vbmi2": ("ecx7", 6),
    "gfni": ("ecx7", 8),
    "avx512bitalg": ("ecx7", 12),
    "avx512vpopcntdq": ("ecx7", 14),
}
_OSXSAVE, _AVX = 1 << 27, 1 << 28
_YMM, _ZMM = 0x06, 0xE6  # what the operating system must keep, as bits of XCR0


def cpuid_masks(features: Iterable[str]) -> dict[str, int]:
    """The bits that must be set for `features`, all of which work on vector registers.

    Returns:
        `state`, bits of XCR0, and `ecx1`, `ebx7` and `ecx7`, registers by CPUID leaf.
    """
    masks = {"state": _YMM, "ecx1": _OSXSAVE | _AVX, "ebx7": 0, "ecx7": 0}
    for feature in features:
        register, bit = _BITS[feature]
        masks[register] |= 1 << bit
        if feature.startswith("avx512"):
            masks["state"] = _ZMM
    return masks
