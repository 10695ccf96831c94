"""Training kernels for CUDA devices, written in Triton; nothing here is imported without one."""
