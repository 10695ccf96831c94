"""Gatewright: train logic networks in PyTorch, compile them to bit-parallel C and Verilog."""
