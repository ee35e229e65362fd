"""The model file: YAML in, checked values out, and the plan between two of them."""
