"""The pool over HTTP: requests in, validated, and replies out."""
