"""The command line: the same steps as the Python API, on files."""
