"""Models as files of JSON and plain arrays."""
