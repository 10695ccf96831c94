"""Layers: gates as dense layers and convolutions, pooling, values to bits, bits to scores."""
