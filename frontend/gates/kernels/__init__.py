"""C sources of the native training kernels; `frontend.native` builds and calls them."""
