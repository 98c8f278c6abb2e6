"""LightningModules: what a batch means and what is done with it."""
