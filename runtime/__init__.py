"""Toolchains, the build cache, loading and calling: numpy and cffi, nothing else."""
