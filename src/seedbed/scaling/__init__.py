"""Raw inputs into a range that trains well: the first layer of the model, fitted on training data.

Floats of very different magnitude lose digits: 1e10 + 1e-10 is 1e10.
"""
