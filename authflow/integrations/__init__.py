"""What other libraries are given of a signed-in user, one module for each library."""
