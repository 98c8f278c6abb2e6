"""Many runs: asked for by one command, gone on with, compared.  No torch here."""
