"""Modules to circuits: a module's own forward, run once on tracer values."""
