"""A project of one's own from a checkout of seedbed: renamed, stripped, and able to upgrade."""
