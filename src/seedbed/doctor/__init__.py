"""From curves and facts to findings: what ails a training, and what to try.  Pure: no torch."""
