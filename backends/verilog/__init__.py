"""The Verilog backend: modules and testbenches."""
