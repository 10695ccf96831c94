"""The version of the package, written into everything it emits."""

VERSION = "0.1.0"
