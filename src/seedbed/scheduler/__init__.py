"""The learning rate over time: closed forms of progress, so an extended run follows its new end."""
