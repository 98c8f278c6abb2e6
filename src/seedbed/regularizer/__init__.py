"""What prefers some solutions to others: a term of the loss, a change of targets, of the step."""
