"""Pages of call."""

urlpatterns: list = []
