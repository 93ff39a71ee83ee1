"""What the long tests share with those of the queue."""

from tests.queueing.conftest import announced, english

__all__ = ["announced", "english"]
