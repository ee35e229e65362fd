"""The reconciler: observe, decide, record, perform; and the same over history."""
