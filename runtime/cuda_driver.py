"""What the CUDA driver says of the devices here; no toolkit is needed for that."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cffi

_ffi: Any = cffi.FFI()
_ffi.cdef(
    """
    int cuInit(unsigned);
    int cuDriverGetVersion(int *);
    int cuDeviceGetCount(int *);
    int cuDeviceGet(int *, int);
    int cuDeviceGetAttribute(int *, int, int);
    """
)
_MAJOR, _MINOR = 75, 76  # CUdevice_attribute


def open_first(names: tuple[str, ...], ffi: Any) -> Any:
    """The first of these libraries that can be opened, or None."""
    for name in names:
        try:
            return ffi.dlopen(name)
        except OSError:
            continue
    return None


@lru_cache(maxsize=1)
def open_driver() -> Any:
    """The driver, or None; held open, for once used it must not be unloaded."""
    return open_first(("libcuda.so.1",), _ffi)


@lru_cache(maxsize=1)
def driver_version() -> int:
    """The newest major version of CUDA that the driver here knows, such as 13; 0 without one."""
    driver, version = open_driver(), _ffi.new("int *")
    if driver is None or driver.cuDriverGetVersion(version):
        return 0
    return version[0] // 1000


@lru_cache(maxsize=1)
def device_architectures() -> tuple[str, ...]:
    """The architectures of the devices here, ascending, such as ("sm_90",); () without a driver."""
    driver = open_driver()
    count, device, value = _ffi.new("int *"), _ffi.new("int *"), _ffi.new("int *")
    if driver is None or driver.cuInit(0) or driver.cuDeviceGetCount(count):
        return ()
    found = set()
    for number in range(count[0]):
        if driver.cuDeviceGet(device, number):
            continue
        parts = []
        for attribute in (_MAJOR, _MINOR):
            driver.cuDeviceGetAttribute(value, attribute, device[0])
            parts.append(value[0])
        found.add(tuple(parts))
    return tuple(f"sm_{major}{minor}" for major, minor in sorted(found))
