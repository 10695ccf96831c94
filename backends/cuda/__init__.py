"""The CUDA backend: kernels, a host launcher in C, and the same kernels on the CPU."""
