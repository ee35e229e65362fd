"""Why a window is as it is: what moved, whether it matters, where it hurts, inputs or answers."""
