"""Pages of today."""

urlpatterns: list = []
