"""*When* something happens in training, or state beside the weights: clipping, stopping, averages."""
