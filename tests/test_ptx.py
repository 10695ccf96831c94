"""The machine for PTX: instructions as NVIDIA describes them, and what no kernel may do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies
from ptx.counters import Counters
from ptx.machine import launch
from ptx.memory import Memory, Region
from ptx.module import Module, PtxError

WORDS = strategies.integers(0, 2**32 - 1)
HEAD = """
.version 7.0
.target sm_75
.extern .shared .align 16 .b8 gw_shared[];
.visible .entry test(.param .u64 out, .param .align 8 .b8 more[16])
.maxntid 64, 1, 1
{
    .reg .pred %p<3>;
    .reg .b32 %r<9>;
    .reg .b64 %rd<9>;
    ld.param.u64 %rd1, [out];
    cvta.to.global.u64 %rd2, %rd1;
    mov.u32 %r1, %tid.x;
    mad.lo.s32 %r2, %r1, 4, 0; // where the thread's word is
    cvt.u64.u32 %rd3, %r2;
    add.s64 %rd4, %rd2, %rd3;
"""
AT = 1 << 40


def executed(
    text: str,
    words: np.ndarray | int = 64,
    more: tuple[int, ...] = (0, 0, 0, 0),
    threads: int = 64,
    blocks: int = 1,
    shared: int = 256,
    watch: Counters | None = None,
) -> np.ndarray:
    """What lies in the words of `out`, 0 at first, when threads have executed the text."""
    made = np.zeros(words, np.uint32) if isinstance(words, int) else words.astype(np.uint32)
    memory = Memory([Region(AT, made.view(np.uint8), "out")])
    parameters = np.array([AT], "u8").tobytes() + np.array(more, "u4").tobytes()
    kernel = Module(HEAD + text + "}").kernel("test")
    launch(kernel, memory, (blocks, 1), threads, shared, parameters, watch)
    return made


def of_three(instruction: str, a: int, b: int, c: int) -> int:
    """The result of an instruction on words."""
    load = "ld.param.v2.u32 {%r4, %r5}, [more]; ld.param.u32 %r6, [more+8];"
    text = f"{load} {instruction} st.global.u32 [%rd2], %r3; ret;"
    return int(executed(text, more=(a, b, c, 0), threads=1)[0])


@settings(max_examples=20, deadline=None)
@given(a=WORDS, b=WORDS, c=WORDS, table=strategies.integers(0, 255))
def test_lop3(a, b, c, table):
    found = of_three(f"lop3.b32 %r3, %r4, %r5, %r6, {table:#x};", a, b, c)
    for i in range(32):
        pattern = (a >> i & 1) << 2 | (b >> i & 1) << 1 | c >> i & 1
        assert found >> i & 1 == table >> pattern & 1


@settings(max_examples=20, deadline=None)
@given(a=WORDS, b=WORDS, c=strategies.integers(0, 0x7777))
def test_prmt(a, b, c):
    digits = [c >> 4 * i & 7 for i in range(4)]
    both = a.to_bytes(4, "little") + b.to_bytes(4, "little")
    want = int.from_bytes(bytes(both[digit] for digit in digits), "little")
    assert (
        of_three(
            "prmt.b32 %r3, %r4, %r5, %r6;", a, b, sum(d << 4 * i for i, d in enumerate(digits))
        )
        == want
    )


def test_prmt_repeats_signs():
    assert of_three("prmt.b32 %r3, %r4, %r5, 0x0918;", 0x0080_7F80, 0, 0) == 0x80_00_7F_FF


@settings(max_examples=20, deadline=None)
@given(a=WORDS, b=WORDS, by=strategies.integers(0, 40), length=strategies.integers(0, 40))
def test_bits_and_shifts(a, b, by, length):
    low = (1 << 32) - 1
    mask = ((1 << length) - 1 << by) & low
    assert (
        of_three(f"bfi.b32 %r3, %r4, %r5, {by}, {length};", a, b, 0) == (a << by & mask) | b & ~mask
    )
    assert of_three("shl.b32 %r3, %r4, %r5;", a, by, 0) == a << by & low
    assert of_three("shr.u32 %r3, %r4, %r5;", a, by, 0) == a >> by
    signed = a - (a >> 31 << 32)
    assert of_three("shr.s32 %r3, %r4, %r5;", a, by, 0) == signed >> by & low
    assert of_three(f"bfe.u32 %r3, %r4, {min(by, 31)}, 3;", a, 0, 0) == a >> min(by, 31) & 7


@settings(max_examples=20, deadline=None)
@given(a=WORDS, b=WORDS, c=WORDS)
def test_arithmetic(a, b, c):
    low = (1 << 32) - 1
    assert of_three("mad.lo.s32 %r3, %r4, %r5, %r6;", a, b, c) == a * b + c & low
    assert of_three("mul.hi.u32 %r3, %r4, %r5;", a, b, 0) == a * b >> 32
    assert of_three("div.u32 %r3, %r4, %r5;", a, b, 0) == (a // b if b else low)
    assert of_three("rem.u32 %r3, %r4, %r5;", a, b, 0) == (a % b if b else a)
    wide = "mul.wide.u32 %rd5, %r4, %r5; mov.b64 {%r7, %r3}, %rd5;"
    assert of_three(wide, a, b, 0) == a * b >> 32
    chosen = "setp.lt.s32 %p1, %r4, %r5; selp.b32 %r3, %r4, %r5, %p1;"
    signed = [value - (value >> 31 << 32) for value in (a, b)]
    assert of_three(chosen, a, b, 0) == min(signed) & low


@settings(max_examples=20, deadline=None)
@given(a=WORDS, b=WORDS, c=WORDS)
def test_carries(a, b, c):
    low, high = "mad.lo.cc.u32 %r7, %r4, %r5, %r6;", "madc.hi.u32 %r3, %r4, %r5, %r6;"
    wanted = (a * b + (c << 32 | c)) % 2**64
    assert of_three(low + high, a, b, c) == wanted >> 32
    assert of_three(low.replace("%r7", "%r3"), a, b, c) == wanted % 2**32


def test_nan_is_unordered():
    compare = "mov.b32 %r4, 0f7FC00000; setp.{}.f32 %p1, %r4, 0f3F800000; selp.u32 %r3, 1, 0, %p1;"
    assert of_three(compare.format("gt"), 0, 0, 0) == 0
    assert of_three(compare.format("gtu"), 0, 0, 0) == 1


def test_loops_of_different_lengths_and_branches_by_number():
    found = executed(
        """
        mov.u32 %r3, 0;
        setp.eq.u32 %p1, %r1, 0;
        @%p1 bra done;
        again:
        add.u32 %r3, %r3, 3;
        sub.u32 %r1, %r1, 1;
        setp.ne.u32 %p2, %r1, 0;
        @%p2 bra again;
        done:
        rem.u32 %r4, %r3, 4;
        {
        targets: .branchtargets none, one, two, three;
        brx.idx %r4, targets;
        one: add.u32 %r3, %r3, 1000; bra.uni out;
        two: add.u32 %r3, %r3, 2000; bra.uni out;
        three: add.u32 %r3, %r3, 3000;
        none:
        out:
        }
        st.global.u32 [%rd4], %r3;
        ret;
        """
    )
    want = 3 * np.arange(64)
    assert np.array_equal(found, want + want % 4 * 1000)


EXCHANGE = """
    mov.u32 %r3, gw_shared;
    add.u32 %r4, %r3, %r2;
    st.shared.u32 [%r4], %r1;
    {barrier}
    xor.b32 %r5, %r4, 4;
    ld.shared.u32 %r6, [%r5];
    st.global.u32 [%rd4], %r6;
    ret;
"""


def test_threads_exchange_words_at_a_barrier():
    found = executed(EXCHANGE.replace("{barrier}", "bar.sync 0;"))
    assert np.array_equal(found, np.arange(64) ^ 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (EXCHANGE.replace("{barrier}", ""), "reads what another has written at byte"),
        (
            "mov.u32 %r4, gw_shared; ld.shared.u32 %r5, [%r4]; st.shared.u32 [%r4], %r1; ret;",
            "writes what another has read",
        ),
        ("st.global.u32 [%rd2], %r1; ret;", "two threads write one place at once"),
        (
            "setp.eq.u32 %p1, %r1, 0; @%p1 st.global.u32 [%rd2], %r1; setp.eq.u32 %p2, %r1, 9;"
            "@%p2 st.global.u32 [%rd2], %r1; ret;",
            "thread 9 writes what another has written at byte 0 (thread 0)",
        ),
        ("ld.global.u32 %r3, [%rd4+4]; ret;", "4 bytes at 0x10000000100 are outside"),
        ("ld.global.u32 %r3, [%rd2+-4]; ret;", "outside of everything: out 0x10000000000+256"),
        ("ld.global.u32 %r3, [%rd2+2]; ret;", "which is no multiple of 4"),
        ("ld.global.v2.u32 {%r3, %r4}, [%rd2+4]; ret;", "8 bytes at 0x10000000004"),
        ("ld.shared.u32 %r3, [%r2+4]; ret;", "4 bytes at 256 of 256 shared ones"),
        ("add.u32 %r3, %r4, %r5; ret;", "read before anything was written"),
        ("setp.eq.u32 %p1, %r1, 0; @%p1 bra one; bar.sync 0; bar.sync 0; one: ret;", ""),
        (
            "setp.eq.u32 %p1, %r1, 0; @%p1 bra one; bar.sync 0; ret; one: bar.sync 0; ret;",
            "different barriers",
        ),
        ("{t: .branchtargets a, b; brx.idx %r1, t; a: b: } ret;", "branch 63 of 2"),
        ("shfl.sync.bfly.b32 %r3, %r1, 1, 31, -1; ret;", "is not known here"),
        ("add.s32 %r3, %r1, 1;", "no end"),
    ],
)
def test_what_a_device_would_not_forgive(text, message):
    if not message:
        executed(text)
        return
    with pytest.raises(PtxError) as error:
        executed(text)
    assert message in str(error.value)


def test_blocks_have_no_barrier_between_them():
    text = "bar.sync 0; mov.u32 %r3, %ctaid.x; st.global.u32 [%rd4], %r3; ret;"
    assert executed(text, blocks=1)[0] == 0
    with pytest.raises(PtxError, match="two threads write one place at once"):
        executed(text, blocks=2)


def test_launches_that_no_device_takes():
    for threads, shared in ((65, 0), (0, 0), (64, 1 << 20)):
        with pytest.raises(PtxError):
            executed("ret;", threads=threads, shared=shared)


@pytest.mark.parametrize(
    ("access", "wavefronts"),
    [
        ("ld.shared.u32 %r3, [%r2];", 2),  # a word a thread, side by side: one for each warp
        ("shl.b32 %r4, %r1, 7; ld.shared.u32 %r3, [%r4];", 64),  # all of one bank
        ("shl.b32 %r4, %r1, 3; ld.shared.v2.u32 {%r3, %r5}, [%r4];", 4),
        ("shl.b32 %r4, %r1, 4; ld.shared.v4.u32 {%r3, %r5, %r6, %r7}, [%r4];", 8),
        ("mov.u32 %r4, gw_shared; ld.shared.v4.u32 {%r3, %r5, %r6, %r7}, [%r4];", 8),
    ],
)
def test_turns_of_shared_memory(access, wavefronts):
    counters = Counters()
    executed(access + "ret;", shared=1 << 13, watch=counters)
    assert counters.wavefronts == wavefronts
    assert counters.instructions["ld.shared"] == 2
    assert counters.threads["ld.shared"] == 64


def test_sectors_and_instructions_of_warps():
    counters = Counters()
    text = (
        "setp.lt.u32 %p1, %r1, 40; @%p1 ld.global.u32 %r3, [%rd4]; ld.global.u32 %r4, [%rd2]; ret;"
    )
    executed(text, watch=counters)
    assert counters.sectors == 4 + 1 + 2
    assert counters.instructions["ld.global"] == 4
    assert counters.threads["ld.global"] == 40 + 64
