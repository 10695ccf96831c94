"""C sources of the native training kernels; `gates/native.py` builds and calls them."""
