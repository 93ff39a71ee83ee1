"""Pages of kiosk."""

urlpatterns: list = []
