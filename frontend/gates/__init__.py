"""The arithmetic of gates: what their numbers mean, kernels, sampling, temperature."""
