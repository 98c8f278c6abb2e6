"""A finished model made small and fast: pruned, distilled, quantized, exported."""
