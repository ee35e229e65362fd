"""What is said to those who may not."""

from controlplane.domain.errors import LeeboardError


class Unauthenticated(LeeboardError):
    """No token, or one that is not known (401)."""


class Forbidden(LeeboardError):
    """The token lacks a scope or is for other models, or the request comes from a page of
    somebody else (403)."""
