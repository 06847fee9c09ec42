"""How the pool runs its triggers: in process or at a Lambda endpoint."""
