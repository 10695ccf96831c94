"""The embedded profile of the C backend: one file for microcontrollers, without a C library."""
