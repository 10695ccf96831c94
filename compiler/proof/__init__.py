"""Proving that nets carry the same function: functional reduction, SAT, and boxes compared."""
