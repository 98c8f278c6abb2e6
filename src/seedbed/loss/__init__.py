"""Logits against targets: the data term of what is minimised.

A loss that must look at the data has `prepare(spec)`, one that decides how many numbers the model
emits an attribute `outputs`.  Which loss fits which kind of target stands in rules/part.py.
"""
