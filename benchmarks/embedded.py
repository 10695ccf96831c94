"""Flash, RAM and instructions a sample of networks on microcontrollers.

    python benchmarks/embedded.py CIRCUIT.npz ... [--level 2] [--flags=-Os]

Each circuit is optimised, emitted with the profile "embedded", compiled by ziglang's Clang for a
Cortex-M0, a Cortex-M3 and RV32IMC, and run under qemu-user, which prints every instruction that it
executes; the difference between runs of one and of three samples is that of two samples. The
classes of 32 random rows of bytes are compared with simulation. Flash is code and tables of what a
program that asks for classes needs; RAM is the workspace.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import gatewright as gw
from gatewright.backends.text import emit_text
from gatewright.compiler import Circuit
from gatewright.compiler.stats import n_gates
from gatewright.runtime.elf import sections

MACHINES = {
    "Cortex-M0": ("thumb-freestanding-eabi", "cortex_m0", "qemu-arm"),
    "Cortex-M3": ("thumb-freestanding-eabi", "cortex_m3", "qemu-arm"),
    "RV32IMC": ("riscv32-freestanding", "generic_rv32+m+c", "qemu-riscv32"),
}
MAIN = Path(__file__).resolve().parent.parent / "tests" / "embedded_target.c"
USED = ("evaluate", "class", "classes", "run_code", "count", "count_of", "add")


def measure(path: Path, level: int, flags: list[str]) -> None:
    """Print a line for each machine."""
    circuit = gw.optimize(gw.read(path), level)
    artifact = emit_text(circuit, "c", "net", None, {"profile": "embedded"})
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (32, *circuit.encoder.shape), dtype=np.uint8)
    manifest = artifact.manifest
    print(
        f"{path.stem}: {n_gates(circuit.netlist):,} gates, tables {manifest['table_bytes']:,} bytes"
    )
    for machine, (target, processor, emulator) in MACHINES.items():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            artifact.write(folder)
            numbers = ",".join(map(str, x.ravel()))
            (folder / "rows.h").write_text(f"static const uint8_t rows[] = {{{numbers}}};\n")
            compiler = [sys.executable, "-m", "ziglang", "cc", "-target", target]
            compiler += [f"-mcpu={processor}", "-ffreestanding", "-fno-sanitize=all", *flags]
            one, many = count(folder, compiler, emulator, circuit, x)
            code = code_bytes(folder / "net.o")
        flash = [manifest["table_bytes"] + size for size in code]
        ram = (manifest["workspace_bytes"], manifest["workspace_bytes_32"])
        print(
            f"  {machine:<10} one at a time: flash {flash[0]:>8,}  RAM {ram[0]:>7,}  "
            f"{one:>9,.0f} instructions   32 at once: flash {flash[1]:>8,}  RAM {ram[1]:>7,}  "
            f"{many:>9,.0f}",
            flush=True,
        )


def count(
    folder: Path, compiler: list[str], emulator: str, circuit: Circuit, x: np.ndarray
) -> tuple[float, float]:
    """Instructions a sample, one at a time and of 32 at once."""
    objects = ["-ffunction-sections", "-fdata-sections", "-c", "net.c", "-o", "net.o"]
    run([*compiler, *objects], folder)
    found = {}
    for alone, together in ((1, 0), (3, 0), (1, 1)):
        main = [f"-I{folder}", f"-DALONE={alone}", f"-DTOGETHER={together}", "-nostdlib"]
        run([*compiler, *main, str(MAIN), "net.o", "-Wl,--gc-sections", "-o", "net"], folder)
        command = [emulator, "-singlestep", "-d", "nochain,exec", "-D", "trace", "net"]
        classes = np.frombuffer(run(command, folder), "<u4")
        known = 32 if together else alone
        assert np.array_equal(classes[:known], circuit.predict(x)[:known])
        found[alone, together] = (folder / "trace").read_bytes().count(b"Trace")
    return (found[3, 0] - found[1, 0]) / 2, (found[1, 1] - found[1, 0]) / 32


def code_bytes(path: Path) -> tuple[int, int]:
    """The bytes of functions that one sample's class needs, and those of 32 samples."""
    sizes = [0, 0]
    for section in sections(path.read_bytes()):
        name = section.name.removeprefix(".text.").removeprefix("net_").split(".")[0]
        if section.kind == "code" and name.removesuffix("_32") in USED:
            sizes[name.endswith("_32")] += section.size
    return sizes[0], sizes[1]


def run(command: list[str], folder: Path) -> bytes:
    found = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if found.returncode:
        raise SystemExit(found.stderr.decode())
    return found.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("circuits", nargs="+", type=Path)
    parser.add_argument("--level", type=int, default=2)
    parser.add_argument("--flags", default="-Os", help="of the compiler (-Os)")
    options = parser.parse_args()
    print(f"Clang of ziglang, {options.flags}; instructions a sample, from bytes to class")
    for path in options.circuits:
        measure(path, options.level, options.flags.split())


if __name__ == "__main__":
    main()
