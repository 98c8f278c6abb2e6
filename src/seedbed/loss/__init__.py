"""Logits against targets: the data term of what is minimised.  Which fits what: rules.py."""
