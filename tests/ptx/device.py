"""The driver of fake_cuda.c, with PTX for device code."""

from __future__ import annotations

import ctypes
import traceback

import numpy as np

from .machine import Watch, launch
from .memory import Memory, Region
from .module import Kernel, Module


class _Live(ctypes.Structure):
    _fields_ = [("at", ctypes.c_ulonglong), ("bytes", ctypes.c_size_t), ("pooled", ctypes.c_int)]


class PtxDevice:
    """What a process's libcuda.so.1 launches from now on, listed in `launched`."""

    def __init__(self, driver: ctypes.CDLL, watch: Watch | None = None) -> None:
        unsigned, text = ctypes.c_uint, ctypes.c_char_p
        kind = ctypes.CFUNCTYPE(ctypes.c_int, text, text, *[unsigned] * 4, ctypes.c_void_p)
        self.driver, self.watch = driver, watch
        self.modules: dict[bytes, Module] = {}
        self.driver.fake_live.argtypes = [ctypes.POINTER(ctypes.POINTER(_Live))]
        self.launched: list[str] = []
        self._called = kind(self._launch)
        driver.fake_launcher(self._called)

    def _launch(
        self, image: bytes, name: bytes, x: int, y: int, threads: int, shared: int, parameters: int
    ) -> int:
        kernel = self._kernel(image, name.decode())
        given = ctypes.string_at(parameters, kernel.parameter_bytes)
        self.launched.append(kernel.name)
        try:
            with np.errstate(all="ignore"):
                launch(kernel, self._memory(), (x, y), threads, shared, given, self.watch)
        except Exception:  # a callback of C cannot raise
            traceback.print_exc()
            return 700
        return 0

    def _kernel(self, image: bytes, name: str) -> Kernel:
        if image not in self.modules:
            self.modules[image] = Module(image.decode())
        return self.modules[image].kernel(name)

    def _memory(self) -> Memory:
        live, memory = ctypes.POINTER(_Live)(), Memory()
        for i in range(self.driver.fake_live(ctypes.byref(live))):
            at, size = live[i].at, live[i].bytes
            data = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(at))
            memory.regions.append(Region(at, data, f"allocation {i}"))
        return memory
