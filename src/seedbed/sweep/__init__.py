"""Many runs of one command: written down, launched, gone on with.  No torch here."""
