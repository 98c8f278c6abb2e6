"""What prefers some solutions to others: a term of the loss, a change of targets, of the step.

Several of them run in one order, whatever that of the command line: by `order`, then by name.
"""
