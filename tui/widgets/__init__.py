"""The pieces that screens are made of: one module a widget."""
