"""Pages of board."""

urlpatterns: list = []
