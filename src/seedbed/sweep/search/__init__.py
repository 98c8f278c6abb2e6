"""A search: trials that are proposed one after the other, by what came of those before."""
