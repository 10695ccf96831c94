"""The CUDA driver, for benchmarks: what a device is, its memory, and times by its own events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import cffi
import numpy as np

from gatewright.runtime.cuda_driver import open_first

DECLARED = """
int cuInit(unsigned);
int cuDeviceGetCount(int *);
int cuDeviceGet(int *, int);
int cuDeviceGetName(char *, int, int);
int cuDeviceGetAttribute(int *, int, int);
int cuDevicePrimaryCtxRetain(void **, int);
int cuCtxPushCurrent_v2(void *);
int cuCtxPopCurrent_v2(void **);
int cuMemAlloc_v2(unsigned long long *, size_t);
int cuMemFree_v2(unsigned long long);
int cuMemcpyHtoD_v2(unsigned long long, const void *, size_t);
int cuMemcpyDtoH_v2(void *, unsigned long long, size_t);
int cuEventCreate(void **, unsigned);
int cuEventRecord(void *, void *);
int cuEventSynchronize(void *);
int cuEventElapsedTime(float *, void *, void *);
int32_t gatewright_cuda_run(int32_t device, void *stream, const void *x, int32_t dtype,
                            int64_t n, int64_t stride, int32_t what, void *out);
"""
# CUdevice_attribute
CLOCK, PROCESSORS, MEMORY_CLOCK, BUS, CACHE, MAJOR, MINOR, SHARED = 13, 16, 36, 37, 38, 75, 76, 97
ffi: Any = cffi.FFI()
ffi.cdef(DECLARED)


@dataclass(frozen=True)
class Properties:
    """What the driver says of a device. clock, memory_clock: Hz, at most. bus: bytes a clock."""

    name: str
    architecture: str
    processors: int
    clock: float
    memory_clock: float
    bus: float
    cache_bytes: int
    shared_bytes: int

    @property
    def memory_bytes(self) -> float:
        """Bytes a second to and from memory: two transfers a clock."""
        return 2 * self.memory_clock * self.bus

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.architecture}), {self.processors} multiprocessors at up to "
            f"{self.clock / 1e6:.0f} MHz, {self.cache_bytes / 2**20:.0f} MiB second-level cache, "
            f"{self.memory_bytes / 1e9:.0f} GB/s, {self.shared_bytes / 1024:.0f} KiB a block"
        )


class Device:
    """Device 0, its context current as long as this object is used."""

    def __init__(self, driver: Any) -> None:
        self.driver, number, context = driver, ffi.new("int *"), ffi.new("void **")
        self.check(driver.cuDeviceGet(number, 0))
        self.number = number[0]
        self.check(driver.cuDevicePrimaryCtxRetain(context, self.number))
        self.check(driver.cuCtxPushCurrent_v2(context[0]))
        self.events = ffi.new("void *[2]")
        for i in range(2):
            self.check(driver.cuEventCreate(self.events + i, 0))

    @staticmethod
    def check(code: int) -> None:
        if code:
            raise SystemExit(f"the CUDA driver answered {code}")

    def attribute(self, which: int) -> int:
        value = ffi.new("int *")
        self.check(self.driver.cuDeviceGetAttribute(value, which, self.number))
        return value[0]

    def properties(self) -> Properties:
        name = ffi.new("char[256]")
        self.check(self.driver.cuDeviceGetName(name, 256, self.number))
        return Properties(
            ffi.string(name).decode(),
            f"sm_{self.attribute(MAJOR)}{self.attribute(MINOR)}",
            self.attribute(PROCESSORS),
            self.attribute(CLOCK) * 1e3,
            self.attribute(MEMORY_CLOCK) * 1e3,
            self.attribute(BUS) / 8,
            self.attribute(CACHE),
            self.attribute(SHARED),
        )

    def put(self, x: np.ndarray) -> int:
        """A copy of a contiguous array on the device."""
        at = ffi.new("unsigned long long *")
        self.check(self.driver.cuMemAlloc_v2(at, x.nbytes))
        self.check(self.driver.cuMemcpyHtoD_v2(at[0], ffi.cast("void *", x.ctypes.data), x.nbytes))
        return at[0]

    def get(self, at: int, out: np.ndarray) -> np.ndarray:
        self.check(self.driver.cuMemcpyDtoH_v2(ffi.cast("void *", out.ctypes.data), at, out.nbytes))
        return out

    def free(self, at: int) -> None:
        self.check(self.driver.cuMemFree_v2(at))

    def seconds(self, call: Callable[[], None], total: float) -> float:
        """The median of a call's times between events on the default stream, over about `total`."""
        start, stop = self.events
        elapsed, taken = ffi.new("float *"), []
        call()
        while len(taken) < 5 or (sum(taken) < total and len(taken) < 10_000):
            self.check(self.driver.cuEventRecord(start, ffi.NULL))
            call()
            self.check(self.driver.cuEventRecord(stop, ffi.NULL))
            self.check(self.driver.cuEventSynchronize(stop))
            self.check(self.driver.cuEventElapsedTime(elapsed, start, stop))
            taken.append(max(elapsed[0], 1e-6) / 1e3)
        return median(taken)


def find_device() -> Device | None:
    driver, count = open_first(("libcuda.so.1",), ffi), ffi.new("int *")
    if driver is None or driver.cuInit(0) or driver.cuDeviceGetCount(count) or not count[0]:
        return None
    return Device(driver)
