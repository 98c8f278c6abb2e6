"""Composition: from a checked config to parts, stages and a run folder."""
