"""Yosys and nextpnr: what a design takes of an FPGA, and how fast it is there."""
