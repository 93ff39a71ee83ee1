"""Pages of people."""

urlpatterns: list = []
