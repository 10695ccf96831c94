"""XOR gates found again in logic that was written in AND gates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .netlist import Netlist
from .passes.sweep import sweep
from .subject import Subject
from .subject_split import split
from .windows import logic_netlist

_ONE = np.uint32(1)


def find_xors(netlist: Netlist) -> Netlist:
    """The same function with an XOR for each three AND gates that compute one.

    For a netlist of LUTs alone. An AND of the inverses of `a b` and `!a !b` becomes `a ^ b`; the
    two gates below it go where nothing else reads them.
    """
    subject = split(netlist)[0]
    xors = _with_xors(subject)
    return netlist if xors is subject else sweep(logic_netlist(xors))


def _with_xors(subject: Subject) -> Subject:
    first, fanin = subject.first_gate, np.sort(subject.fanin, axis=1)
    nodes = (fanin >> _ONE).astype(np.intp)
    tops = np.flatnonzero(~subject.xor & (fanin & _ONE).all(axis=1) & (nodes >= first).all(axis=1))
    left, right = (nodes[tops] - first).T
    opposite = (fanin[left] ^ _ONE == fanin[right]).all(axis=1)
    chosen = opposite & ~subject.xor[left] & ~subject.xor[right]
    tops, left = tops[chosen], left[chosen]
    if not len(tops):
        return subject
    kind, reads = subject.xor.copy(), subject.fanin.copy()
    kind[tops], reads[tops] = True, fanin[left]
    return replace(subject, xor=kind, fanin=reads)
