"""*When* something happens, or what is kept beside the weights: clipping, stopping, averages."""
