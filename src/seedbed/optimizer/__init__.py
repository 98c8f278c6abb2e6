"""Gradient to step.

Most are torch's own; a module here is one that torch lacks or gets wrong.
"""
