"""What a design and its ports may be called."""

from __future__ import annotations

import re

from ...runtime.errors import EmitError
from ..artifact import check_name
from .text import CONTROL

# Words that Verilog or SystemVerilog tools reserve and that would pass as a name. Icarus Verilog
# also reserves "bool", "wone" and "wreal".
_RESERVED = frozenset(
    """
    accept_on alias always always_comb always_ff always_latch and assert assign assume automatic
    before begin bind bins binsof bit bool break buf bufif0 bufif1 byte case casex casez cell
    chandle checker class clocking cmos config const constraint context continue cover covergroup
    coverpoint cross deassign default defparam design disable dist do edge else end endcase
    endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface
    endmodule endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask
    enum event eventually expect export extends extern final first_match for force foreach forever
    fork forkjoin function generate genvar global highz0 highz1 if iff ifnone ignore_bins
    illegal_bins implements implies import incdir include initial inout input inside instance int
    integer interconnect interface intersect join join_any join_none large let liblist library local
    localparam logic longint macromodule matches medium modport module nand negedge nettype new
    nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed parameter pmos
    posedge primitive priority program property protected pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime
    ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always
    s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled
    signed small soft solve specify specparam static string strong strong0 strong1 struct super
    supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
    timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union
    unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait
    wait_order wand weak weak0 weak1 while wildcard wire with within wone wor wreal xnor xor
    """.split()
)

# What the top module calls its ports, nets and instances.
_OURS = frozenset(
    ("x", "bits_in", "bits", "counts", "class_index", "u_encoder", "u_logic", "valid", *CONTROL)
)

_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
# What simulators take behind a backslash; Icarus Verilog reads a macro and ".*" even there.
_ESCAPED = re.compile(r"(?!\*)[!-_a-~]+")
_LONGEST = 200  # characters


def check_module_name(name: str) -> None:
    """Raise EmitError unless a top module can have this name."""
    if check_name(name) in _RESERVED:
        raise EmitError(f"name {name!r}: reserved in Verilog or SystemVerilog; choose another name")
    if name in _OURS:
        raise EmitError(f"name {name!r}: a port or part of the module has it; choose another name")


def unused_name(name: str, taken: set[str]) -> str:
    """`name` as an identifier can hold it, with a number behind where it is taken; takes it.

    Names of printable ASCII without blanks stay as they are; in others "_" stands for what is
    neither a letter nor a digit.
    """
    if not _ESCAPED.fullmatch(name) or len(name) > _LONGEST:
        name = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:_LONGEST] or "_"
    found, number = name, 0
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found


def written(name: str) -> str:
    """An identifier as Verilog has it, escaped if it must be: "a", "\\a[1] "."""
    simple = _SIMPLE.fullmatch(name) and name not in _RESERVED
    return name if simple else f"\\{name} "
