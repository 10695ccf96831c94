"""A machine for PTX: what a compiler made of CUDA kernels, executed without a device.

The text of nvcc or NVRTC is read and each instruction executed for all threads that are there, as
NVIDIA's PTX ISA describes it. What a device would not forgive is an error at once: accesses outside
of what was allocated or misaligned, two threads at one place without a barrier between them,
barriers that not all threads of a block reach.
"""
