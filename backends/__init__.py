"""Circuits to text and a manifest: C, CUDA and Verilog, and the plan that numpy runs."""
