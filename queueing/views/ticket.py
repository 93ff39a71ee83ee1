"""Pages of ticket."""

urlpatterns: list = []
