"""What a serving system asks a model and is answered: one module a protocol, all to blocks."""
