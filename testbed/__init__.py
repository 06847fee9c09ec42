"""What the tests of all our distributions share; each plugin's source distribution has it, too."""
