"""The C backend: a library with a path for every instruction set."""
