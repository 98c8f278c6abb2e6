"""Logits against targets: the data term of what is minimised.

Which loss fits which kind of target stands in rules.py.
"""
