"""Truth tables as covers: few cubes that together are true where the table is."""

from __future__ import annotations

from functools import lru_cache

from ..tables import WHERE_TRUE, full


@lru_cache(maxsize=1 << 16)
def cover(table: int, k: int) -> tuple[str, ...]:
    """An irredundant cover of a k-input table: cubes of k characters 0, 1 and -, input 0 first.

    Minato, "Fast Generation of Irredundant Sum-of-Products Forms from Binary Decision Diagrams"
    (1992).
    """
    cubes, _ = _cover(table, table, k, int(full(k)))
    return tuple(cube.ljust(k, "-") for cube in cubes)


def _cover(least: int, most: int, k: int, ones: int) -> tuple[list[str], int]:
    """Cubes over the first k inputs between two tables, and the table that they make."""
    if not least:
        return [], 0
    if most == ones:
        return [""], ones
    k -= 1
    high = int(WHERE_TRUE[k]) & ones
    shift = 1 << k
    least0, least1 = _halves(least, high, shift)
    most0, most1 = _halves(most, high, shift)
    cubes0, made0 = _cover(least0 & ~most1, most0, k, ones)
    cubes1, made1 = _cover(least1 & ~most0, most1, k, ones)
    rest = (least0 & ~made0) | (least1 & ~made1)
    cubes, made = _cover(rest, most0 & most1, k, ones)
    cubes += [cube.ljust(k, "-") + "0" for cube in cubes0]
    cubes += [cube.ljust(k, "-") + "1" for cube in cubes1]
    return cubes, made | (made0 & ~high) | (made1 & high)


def _halves(table: int, high: int, shift: int) -> tuple[int, int]:
    """The cofactors by the last input, each repeated in both halves."""
    low, up = table & ~high, table & high
    return low | low << shift, up | up >> shift
