"""The devices that users sign in from: what a pool keeps of them, and the operations on them."""
