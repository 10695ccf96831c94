"""C sources of the compiler's native algorithms; `compiler/native.py` builds and calls them."""
