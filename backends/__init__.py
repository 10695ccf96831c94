"""Circuits to text and a manifest: C and Verilog, and the plan that numpy runs."""
