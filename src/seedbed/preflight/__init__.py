"""Measurements before training, on a copy of everything: facts for the doctor to judge."""
