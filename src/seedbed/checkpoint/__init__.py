"""What must never be lost, whatever `callback=[…]` says: the best weights and the last state."""
