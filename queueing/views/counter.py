"""Pages of counter."""

urlpatterns: list = []
