"""The pool over HTTP: it reads and validates requests, and writes replies."""
