"""Pages of floor."""

urlpatterns: list = []
