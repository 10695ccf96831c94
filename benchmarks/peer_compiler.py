"""Stands in for `gcc` while peers compile: adds flags, limits the time, and keeps what was built.

`peers.py` puts it on the PATH under that name. The environment says the rest: PEER_GCC is the real
compiler, PEER_FLAGS what to add behind the peer's own flags, PEER_LIMIT the seconds after which it
is stopped, PEER_CACHE the folder where libraries lie by the hash of source and flags, and where
`last.seconds` says how long the compiler once took for what was asked for last.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from time import perf_counter


def main() -> int:
    arguments = sys.argv[1:]
    at = arguments.index("-o")
    target, (source,) = arguments[at + 1], [name for name in arguments if name.endswith(".c")]
    flags = [word for word in arguments if word not in ("-o", target, source)]
    flags += os.environ["PEER_FLAGS"].split()
    limit = int(os.environ["PEER_LIMIT"])
    key = hashlib.sha256("\0".join([*flags, Path(source).read_text()]).encode()).hexdigest()[:32]
    kept = Path(os.environ["PEER_CACHE"]) / f"{key}.so"
    if not kept.exists():
        gave_up = kept.with_suffix(".gave-up")
        if gave_up.exists() and int(gave_up.read_text()) >= limit:
            return 1
        half = kept.with_suffix(f".{os.getpid()}")
        start = perf_counter()
        command = [os.environ["PEER_GCC"], *flags, "-o", str(half), source]
        with subprocess.Popen(command, start_new_session=True) as running:
            try:
                status = running.wait(limit)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)  # gcc, and the compiler that it started
                gave_up.write_text(str(limit))
                return 1
        if status:
            return status
        kept.with_suffix(".seconds").write_text(f"{perf_counter() - start:.2f}")
        half.rename(kept)
    shutil.copy(kept, target)
    shutil.copy(kept.with_suffix(".seconds"), kept.with_name("last.seconds"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
