"""The pool's triggers: run in process or at a Lambda endpoint."""
