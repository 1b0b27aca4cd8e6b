"""What a board shows: one look at the live state, in one shape for the terminal, for browsers and for machines."""

from .model import Agent, Board, Call, Extension, Health, Look, Queue, Status, User

__all__ = ["Agent", "Board", "Call", "Extension", "Health", "Look", "Queue", "Status", "User"]
