"""Runs algorithms of mockturtle on an AIGER file, as a process of its own.

    python rewrite_mockturtle.py SOURCE TARGET COMMAND...

A process of its own, so that time is bounded and a crash ends nothing else. COMMAND is the name of
a function of `aigverse.algorithms` and options, such as `aig_cut_rewriting cut_size=5`. The
commands run in order, again and again as long as a round makes the network smaller; TARGET is
replaced whenever it is, so it holds the smallest network when time runs out.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main(source: str, target: str, *commands: str) -> None:
    here = os.path.dirname(os.path.abspath(__file__))  # its names are not meant to be imported
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != here]
    from aigverse import algorithms, io

    def keep(network: Any) -> int:
        io.write_aiger(network, f"{target}.new")
        os.replace(f"{target}.new", target)
        return network.num_gates

    network = algorithms.cleanup_dangling(io.read_aiger_into_aig(source))
    least = keep(network)
    while True:
        before = least
        for command in commands:
            name, *options = command.split()
            pairs = (option.split("=") for option in options)
            values = {key: json.loads(value) for key, value in pairs}
            network = algorithms.cleanup_dangling(getattr(algorithms, name)(network, **values))
            if network.num_gates < least:
                least = keep(network)
        if least == before:
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
